/** Questions to the Graph API beside sending. */

import type { Failure } from '../../core/contract/failures.ts'
import type { HttpClient, HttpRequest, ProviderConnection } from '../../core/contract/provider.ts'
import type { Answer } from '../shared/answer.ts'
import { parseJson } from '../shared/read.ts'
import { failureOfAnswer, withoutSecrets } from './graph.ts'

/** What was answered: the JSON of a success, Meta's refusal, or nothing. */
export type Asked =
  | { readonly body: unknown }
  | { readonly refused: Failure; readonly answer: Answer }
  | { readonly unreachable: string }

export async function ask(http: HttpClient, connection: ProviderConnection, request: HttpRequest): Promise<Asked> {
  const result = await http(request)
  if (result.kind !== 'answer') return { unreachable: withoutSecrets(result.reason, connection) }
  const body = result.status === 200 ? parseJson(result.body) : undefined
  if (typeof body === 'object' && body !== null) return { body }
  return { refused: failureOfAnswer(result, connection), answer: result }
}

/** Why there is no answer to work with. */
export const failureOf = (asked: Exclude<Asked, { readonly body: unknown }>): Failure =>
  'refused' in asked ? asked.refused : { code: 'connection_unreachable', detail: asked.unreachable }
