/** TWIN's statistics: lists of what happened in a window of time, page by page. */

import type { ProviderConnection } from '../../core/contract/provider.ts'
import type { Twin24Api } from './api.ts'
import { type Items, itemsIn } from './look-up.ts'

const askMs = 10_000
const pageSize = 1_000
const maxPages = 5

export interface Window {
  readonly api: Twin24Api
  readonly connection: ProviderConnection
  readonly from: Date
  readonly to: Date
}

/** One page, or why it could not be had. */
export async function pageOf(
  { api, connection, from, to }: Window,
  list: 'messaging/messages' | 'chat/sessions',
  page: number,
  query: Readonly<Record<string, string>>,
): Promise<Items> {
  const window = { from: utc(from), to: utc(to), limit: String(pageSize), page: String(page) }
  const url = `${api.analyseUrl}/statistics/${list}?${new URLSearchParams({ ...window, ...query })}`
  return itemsIn(await api.callStatistics(connection, { method: 'GET', url, timeoutMs: askMs }), connection)
}

/**
 * Messages of the window, as `{id, providerMessageId, status}`. They cannot be asked for singly, so pages are gone
 * through until `isEnough`.
 */
export async function messagesIn(window: Window, isEnough: (items: readonly unknown[]) => boolean): Promise<unknown[]> {
  const found: unknown[] = []
  for (let page = 0; page < maxPages; page++) {
    const items = await pageOf(window, 'messaging/messages', page, {
      channel: 'CHAT',
      fields: 'id,providerMessageId,status',
    })
    if ('why' in items) break
    found.push(...items.list)
    if (items.list.length < pageSize || isEnough(found)) break
  }
  return found
}

/** `2026-06-24T12:00:00+00:00` */
const utc = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, '+00:00')

/** Clocks differ, and a session may be written down as begun before its message. */
const marginMs = 300_000

/** From the oldest of these messages to now. */
export const windowOf = (
  facts: Pick<Window, 'api' | 'connection'>,
  messages: readonly { readonly acceptedAt: Date }[],
  now: Date,
): Window => {
  const oldestMs = Math.min(...messages.map(({ acceptedAt }) => acceptedAt.getTime()), now.getTime())
  return { ...facts, from: new Date(oldestMs - marginMs), to: now }
}
