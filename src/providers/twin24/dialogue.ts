/**
 * What the bot's dialogue came to, from TWIN's statistics: message -> chat session (`providerMessageId`) -> results that
 * the scenario's author named -> what the connection says they mean.
 */

import type { CustomerAction } from '../../core/contract/actions.ts'
import type { InboundEvent } from '../../core/contract/events.ts'
import type { DialogueResults, PolledMessage, ProviderConnection } from '../../core/contract/provider.ts'
import { defined, fieldOf, isRecord, type JsonRecord, parseJson, textOf } from '../shared/read.ts'
import { dateIn, idOf, replyOf } from './action.ts'
import type { Twin24Api } from './api.ts'
import { itemsIn } from './look-up.ts'

const askMs = 10_000
const pageSize = 1_000
const maxPages = 5
/** Clocks differ, and a session may be written down as begun before its message. */
const marginMs = 300_000

interface Asking {
  readonly api: Twin24Api
  readonly connection: ProviderConnection
  readonly from: Date
  readonly to: Date
}

/** The customers' choices, as far as the dialogues have come to one that the connection gives a meaning. */
export async function pollResults(
  api: Twin24Api,
  messages: readonly PolledMessage[],
  connection: ProviderConnection,
  now: Date,
): Promise<InboundEvent[]> {
  const { dialogueResults = {} } = connection
  const [first] = [...messages].sort((a, b) => a.acceptedAt.getTime() - b.acceptedAt.getTime())
  if (!first || Object.keys(dialogueResults).length === 0) return []
  const asking = { api, connection, from: new Date(first.acceptedAt.getTime() - marginMs), to: now }
  const sessions = await sessionsOf(asking, messages)
  const results = await resultsOf(asking, new Set(sessions.values()))
  return messages.flatMap((message) => {
    const session = sessions.get(message.messageId)
    const found = session === undefined ? undefined : results.get(session)
    return found && session ? repliesOf(message, session, found, dialogueResults) : []
  })
}

/** Message -> chat session. The list cannot be asked for single messages, so its pages are gone through. */
async function sessionsOf(asking: Asking, messages: readonly PolledMessage[]): Promise<Map<string, string>> {
  const wanted = new Set(messages.map(({ messageId }) => messageId))
  const found = new Map<string, string>()
  for (let page = 0; page < maxPages && found.size < wanted.size; page++) {
    const items = await ask(asking, 'messaging/messages', {
      channel: 'CHAT',
      fields: 'id,providerMessageId,status',
      limit: String(pageSize),
      page: String(page),
    })
    for (const item of items) {
      const [id, session] = [textOf(item, 'id'), textOf(item, 'providerMessageId')]
      if (id && session && wanted.has(id)) found.set(id, session)
    }
    if (items.length < pageSize) break
  }
  return found
}

/** Session -> results. The filter by session is not reliable, so every answer is searched for all that are wanted. */
async function resultsOf(asking: Asking, sessions: ReadonlySet<string>): Promise<Map<string, JsonRecord>> {
  const found = new Map<string, JsonRecord>()
  for (const session of sessions) {
    if (found.has(session)) continue
    const items = await ask(asking, 'chat/sessions', {
      withoutCount: 'false',
      withoutItems: 'false',
      limit: String(pageSize),
      page: '0',
      chatId: session,
      fields: 'id,name,clientId,messengerType,dialogResultsFromBotJson',
    })
    for (const item of items) {
      const id = textOf(item, 'id')
      const results = resultsIn(item)
      if (id && results && sessions.has(id)) found.set(id, results)
    }
  }
  return found
}

async function ask(
  { api, connection, from, to }: Asking,
  list: string,
  query: Readonly<Record<string, string>>,
): Promise<readonly unknown[]> {
  const window = { from: utc(from), to: utc(to) }
  const url = `${api.analyseUrl}/statistics/${list}?${new URLSearchParams({ ...window, ...query })}`
  const items = itemsIn(await api.call(connection, { method: 'GET', url, timeoutMs: askMs }), connection)
  return 'why' in items ? [] : items.list
}

/** `2026-06-24T12:00:00+00:00` */
const utc = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, '+00:00')

/** An object, perhaps as text; `[]` is PHP's empty object. Undefined: no result yet. */
export function resultsIn(session: unknown): JsonRecord | undefined {
  const field = fieldOf(session, 'dialogResultsFromBotJson')
  const value = typeof field === 'string' ? parseJson(field) : field
  return isRecord(value) ? value : undefined
}

function repliesOf(
  message: PolledMessage,
  session: string,
  results: JsonRecord,
  meanings: DialogueResults,
): InboundEvent[] {
  for (const [key, actions] of Object.entries(meanings)) {
    const value = textOf(results, key)
    const action = value === undefined ? undefined : actionOf(value, actions)
    if (!value || !action) continue
    const date = action === 'reschedule' ? dateAmong(results) : undefined
    const reply = replyOf({
      messageId: idOf(message.reference, ['session', session, key, value]),
      reference: message.reference,
      replyType: 'choice',
      choice: { action, ...defined({ value: date }) },
      value,
      raw: { session, results },
    })
    return [{ part: reply }]
  }
  return []
}

/** Values are words of any language: compared without regard to case and surrounding blanks. */
const plain = (text: string): string => text.normalize('NFC').trim().toLowerCase()

const actionOf = (value: string, actions: Readonly<Record<string, CustomerAction>>): CustomerAction | undefined =>
  Object.entries(actions).find(([known]) => plain(known) === plain(value))?.[1]

const dateAmong = (results: JsonRecord): string | undefined =>
  Object.keys(results).flatMap((key) => dateIn(textOf(results, key) ?? '') ?? [])[0]
