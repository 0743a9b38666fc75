/** Asks what became of messages: their status at the notification service, and what the bot's dialogue came to. */

import type { InboundEvent } from '../../core/contract/events.ts'
import type { PolledMessage, ProviderConnection } from '../../core/contract/provider.ts'
import { textOf } from '../shared/read.ts'
import type { Twin24Api } from './api.ts'
import { pollResults } from './dialogue.ts'
import { itemsIn } from './look-up.ts'
import { readItem } from './report.ts'
import { messagesIn, windowOf } from './statistics.ts'

const askMs = 10_000

export async function poll(
  api: Twin24Api,
  messages: readonly PolledMessage[],
  connection: ProviderConnection,
  now: Date,
): Promise<InboundEvent[]> {
  const open = messages.filter(({ awaitsResultOnly }) => !awaitsResultOnly)
  const awaiting = messages.filter(({ awaitsResultOnly }) => awaitsResultOnly)
  return [...(await pollStatuses(api, open, connection, now)), ...(await pollResults(api, awaiting, connection, now))]
}

/** All in one call, by their ids. */
async function pollStatuses(
  api: Twin24Api,
  messages: readonly PolledMessage[],
  connection: ProviderConnection,
  now: Date,
): Promise<InboundEvent[]> {
  if (messages.length === 0) return []
  const list = await itemsOf(api, messages, connection, now)
  return messages.flatMap((message) => {
    const item = list.find((candidate) => textOf(candidate, 'id') === message.messageId)
    const part = item === undefined ? undefined : readItem(item, message, now)
    return part ? [{ part }] : []
  })
}

/** Not every user may list notifications; the statistics know the statuses as well, without code, words and times. */
const closedStatuses: ReadonlySet<number | undefined> = new Set([403, 404])

async function itemsOf(
  api: Twin24Api,
  messages: readonly PolledMessage[],
  connection: ProviderConnection,
  now: Date,
): Promise<readonly unknown[]> {
  const ids = messages.map(({ messageId }) => encodeURIComponent(messageId)).join(',')
  const url = `${api.notifyUrl}/messages?id=${ids}&limit=${messages.length}`
  const items = itemsIn(await api.call(connection, { method: 'GET', url, timeoutMs: askMs }), connection)
  if (!('why' in items)) return items.list
  if (!closedStatuses.has(items.status)) return []
  const wanted = new Set(messages.map(({ messageId }) => messageId))
  const found = (list: readonly unknown[]) => list.filter((item) => wanted.has(textOf(item, 'id') ?? ''))
  return messagesIn(windowOf({ api, connection }, messages, now), (list) => found(list).length >= wanted.size)
}
