/** Asks what became of messages: their status at the notification service, and what the bot's dialogue came to. */

import type { InboundEvent } from '../../core/contract/events.ts'
import type { PolledMessage, ProviderConnection } from '../../core/contract/provider.ts'
import { textOf } from '../shared/read.ts'
import type { Twin24Api } from './api.ts'
import { pollResults } from './dialogue.ts'
import { itemsIn } from './look-up.ts'
import { readItem } from './report.ts'

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
  const ids = messages.map(({ messageId }) => encodeURIComponent(messageId)).join(',')
  const url = `${api.notifyUrl}/messages?id=${ids}&limit=${messages.length}`
  const items = itemsIn(await api.call(connection, { method: 'GET', url, timeoutMs: askMs }), connection)
  if ('why' in items) return []
  return messages.flatMap((message) => {
    const item = items.list.find((candidate) => textOf(candidate, 'id') === message.messageId)
    const part = readItem(item, message, now)
    return part ? [{ part }] : []
  })
}
