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
import { messagesIn, pageOf, type Window, windowOf } from './statistics.ts'

/** The customers' choices, as far as the dialogues have come to one that the connection gives a meaning. */
export async function pollResults(
  api: Twin24Api,
  messages: readonly PolledMessage[],
  connection: ProviderConnection,
  now: Date,
): Promise<InboundEvent[]> {
  const { dialogueResults = {} } = connection
  if (messages.length === 0 || Object.keys(dialogueResults).length === 0) return []
  const window = windowOf({ api, connection }, messages, now)
  const sessions = await sessionsOf(window, messages)
  const results = await resultsOf(window, new Set(sessions.values()))
  return messages.flatMap((message) => {
    const session = sessions.get(message.messageId)
    const found = session === undefined ? undefined : results.get(session)
    return found && session ? repliesOf(message, session, found, dialogueResults) : []
  })
}

/** Message -> chat session. */
async function sessionsOf(window: Window, messages: readonly PolledMessage[]): Promise<Map<string, string>> {
  const wanted = new Set(messages.map(({ messageId }) => messageId))
  const sessionsIn = (items: readonly unknown[]) => {
    const pairs = items.map((item) => [textOf(item, 'id'), textOf(item, 'providerMessageId')] as const)
    return new Map(pairs.flatMap(([id, session]) => (id && session && wanted.has(id) ? [[id, session] as const] : [])))
  }
  return sessionsIn(await messagesIn(window, (items) => sessionsIn(items).size === wanted.size))
}

/**
 * Session -> results. The filter by session is not reliable, so every answer is searched for all that are wanted. Where
 * TWIN cannot answer now the others are left for the next time: each would take as long. A refused one stops no other.
 */
async function resultsOf(window: Window, sessions: ReadonlySet<string>): Promise<Map<string, JsonRecord>> {
  const found = new Map<string, JsonRecord>()
  for (const session of sessions) {
    if (found.has(session)) continue
    const items = await pageOf(window, 'chat/sessions', 0, {
      withoutCount: 'false',
      withoutItems: 'false',
      chatId: session,
      fields: 'id,name,clientId,messengerType,dialogResultsFromBotJson',
    })
    if ('why' in items) {
      if (isAboutOneSession(items.status)) continue
      break
    }
    for (const item of items.list) {
      const id = textOf(item, 'id')
      const results = resultsIn(item)
      if (id && results && sessions.has(id)) found.set(id, results)
    }
  }
  return found
}

const tooManyRequests = 429

/** An answer, and not that TWIN has none to give now. */
const isAboutOneSession = (status: number | undefined): boolean =>
  status !== undefined && status < 500 && status !== tooManyRequests

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
    // The statistics may show the choice before the date that belongs to it.
    if (action === 'reschedule' && !date) return []
    const reply = replyOf({
      messageId: idOf(message.reference, ['session', session, key, value, date ?? '']),
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
