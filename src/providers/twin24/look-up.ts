import type { LookUp, ProviderConnection } from '../../core/contract/provider.ts'
import { listOf, parseJson, textOf } from '../shared/read.ts'
import { failureOfAnswer, isSuccess, withoutSecrets } from './answer.ts'
import type { CallResult, Twin24Api } from './api.ts'
import { bulkIdOf } from './reference.ts'

const askMs = 10_000

/** Asks for the message with our id. `absent` only when TWIN answered with an empty list for exactly this id. */
export async function lookUpReference(
  api: Twin24Api,
  reference: string,
  connection: ProviderConnection,
): Promise<LookUp> {
  const bulkId = bulkIdOf(reference)
  const url = `${api.notifyUrl}/messages?bulkId=${bulkId}`
  const items = itemsIn(await api.call(connection, { method: 'GET', url, timeoutMs: askMs }), connection)
  if ('why' in items) return { result: 'not_known', why: items.why }
  const found = items.list.find((item) => textOf(item, 'bulkId')?.toLowerCase() === bulkId)
  const messageId = textOf(found, 'id')
  if (messageId) return { result: 'found', messageId }
  // Others than the one asked for: the filter was not applied, and ours may be on another page.
  return items.list.length > 0
    ? { result: 'not_known', why: 'the list is not filtered by bulkId' }
    : { result: 'absent' }
}

/** Items, or why there are none; `status` of an answer, which may be a success without a list. */
export type Items = { readonly list: readonly unknown[] } | { readonly why: string; readonly status?: number }

/** The items of a list answer, `{"count", "items": [...]}`. */
export function itemsIn(result: CallResult, connection: ProviderConnection): Items {
  if (result.kind === 'not_called') return { why: result.failure.detail ?? result.failure.code }
  if (result.kind !== 'answer') return { why: withoutSecrets(result.reason, connection) }
  if (!isSuccess(result)) return { why: failureOfAnswer(result, connection).detail ?? 'refused', status: result.status }
  const answer = parseJson(result.body)
  const isList = typeof answer === 'object' && answer !== null && Array.isArray((answer as { items?: unknown }).items)
  return isList ? { list: listOf(answer, 'items') } : { why: 'the answer is no list', status: result.status }
}
