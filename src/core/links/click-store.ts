/** Clicks on tracked links, as rows: one per message that carries a link. */

import type { Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

/** All clicks on the link of one message. */
export interface LinkClicks {
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
}

interface ClickRow {
  id: number
  wa_outgoing_message_id: number
  clicks: number
  first_clicked_at: string
  last_clicked_at: string
}

/** Message id -> its clicks; messages without any are left out. */
export async function readClicks(executor: Executor, messageIds: readonly number[]): Promise<Map<number, LinkClicks>> {
  const rows = await selectClicks(executor, messageIds)
  return new Map(rows.map((row) => [Number(row.wa_outgoing_message_id), toClicks(row)]))
}

/**
 * Adds clicks to those that are known. The caller holds the messages' rows, which guards against a second writer.
 * @returns ids of the messages whose link was clicked for the first time
 */
export async function addClicks(tx: Executor, added: ReadonlyMap<number, LinkClicks>): Promise<Set<number>> {
  const known = await selectClicks(tx, [...added.keys()])
  const changed = known.flatMap((row) => {
    const more = added.get(Number(row.wa_outgoing_message_id))
    return more ? [{ id: Number(row.id), ...columnsOf(together(toClicks(row), more)) }] : []
  })
  await updateRows(tx, 'wa_link_clicks', changed)
  const knownIds = new Set(known.map((row) => Number(row.wa_outgoing_message_id)))
  const first = [...added].filter(([messageId]) => !knownIds.has(messageId))
  const rows = first.map(([messageId, clicks]) => ({ wa_outgoing_message_id: messageId, ...columnsOf(clicks) }))
  await insertRows(tx, 'wa_link_clicks', rows)
  return new Set(first.map(([messageId]) => messageId))
}

/** Sum of two counts of clicks on one link. */
export const together = (one: LinkClicks, other: LinkClicks): LinkClicks => ({
  count: one.count + other.count,
  firstAt: new Date(Math.min(one.firstAt.getTime(), other.firstAt.getTime())),
  lastAt: new Date(Math.max(one.lastAt.getTime(), other.lastAt.getTime())),
})

function selectClicks(executor: Executor, messageIds: readonly number[]): Promise<ClickRow[]> {
  const head = `SELECT id, wa_outgoing_message_id, clicks, first_clicked_at, last_clicked_at FROM wa_link_clicks
    WHERE wa_outgoing_message_id`
  return selectIn<ClickRow>(executor, head, messageIds)
}

const toClicks = (row: ClickRow): LinkClicks => ({
  count: row.clicks,
  firstAt: fromSqlTime(row.first_clicked_at) ?? new Date(0),
  lastAt: fromSqlTime(row.last_clicked_at) ?? new Date(0),
})

const columnsOf = ({ count, firstAt, lastAt }: LinkClicks) => ({
  clicks: count,
  first_clicked_at: sqlTime(firstAt),
  last_clicked_at: sqlTime(lastAt),
})
