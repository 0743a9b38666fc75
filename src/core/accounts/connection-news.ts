/** What news changes of a sender connection: each a single statement, so that replicas cannot contradict each other. */

import type { BlockReason, NewsEffect } from '../contract/events.ts'
import type { Executor } from '../storage/database.ts'
import { sqlTime } from '../storage/time.ts'

export type ConnectionEffect = Exclude<NewsEffect, { readonly template: unknown }>

/** What became of the connection; `unchanged` also when newer news had come before. */
export type ConnectionChange = 'blocked' | 'released' | 'changed' | 'unchanged'

/** @param at the provider's time of the news */
export async function applyConnectionEffect(
  tx: Executor,
  connectionId: number,
  effect: ConnectionEffect,
  at: Date,
  now: Date,
): Promise<ConnectionChange> {
  switch (effect.type) {
    case 'account_blocked':
      return block(tx, connectionId, effect, at)
    case 'account_released':
      return release(tx, connectionId, effect.reasons, at, now)
    case 'sender_quality': {
      const sql = `UPDATE wa_connections SET quality = $2, quality_at = $3
        WHERE id = $1 AND (quality_at IS NULL OR quality_at <= $3)`
      return changedBy(await tx.write(sql, [connectionId, effect.quality, sqlTime(at)]))
    }
    case 'sender_limits': {
      const { messagesPerSecond, concurrency } = effect
      const limits = JSON.stringify({ messagesPerSecond, concurrency })
      const sql = 'UPDATE wa_connections SET reported_limits = $2 WHERE id = $1'
      return changedBy(await tx.write(sql, [connectionId, limits]))
    }
  }
}

const changedBy = (rows: number): ConnectionChange => (rows > 0 ? 'changed' : 'unchanged')

/** With the time of the change: a refusal that was seen before it does not pause the connection again. */
const activate = (now: string): string =>
  `UPDATE wa_connections SET state = 'active', state_reason = NULL, blocked_until = NULL, updated_at = ${now}`

const isNewest = '(block_news_at IS NULL OR block_news_at <= $2)'

/** A connection that is paused for another reason keeps it: whoever ends that pause will be told by the next refusal. */
async function block(
  tx: Executor,
  id: number,
  { reason, until }: { readonly reason: BlockReason; readonly until?: Date },
  at: Date,
): Promise<ConnectionChange> {
  const paused = await tx.write(
    `UPDATE wa_connections SET state = 'paused', state_reason = $3, blocked_until = $4
     WHERE id = $1 AND ${isNewest} AND state = 'active'`,
    [id, sqlTime(at), reason, sqlTime(until)],
  )
  // The same block once more may last longer than was said first.
  if (paused === 0)
    await tx.write(
      `UPDATE wa_connections SET blocked_until = $4
       WHERE id = $1 AND ${isNewest} AND state = 'paused' AND state_reason = $3`,
      [id, sqlTime(at), reason, sqlTime(until)],
    )
  await noteTime(tx, id, at)
  return paused > 0 ? 'blocked' : 'unchanged'
}

async function release(
  tx: Executor,
  id: number,
  reasons: readonly BlockReason[],
  at: Date,
  now: Date,
): Promise<ConnectionChange> {
  const list = reasons.map((_, index) => `$${index + 4}`).join(', ')
  const released = await tx.write(
    `${activate('$3')} WHERE id = $1 AND ${isNewest} AND state = 'paused' AND state_reason IN (${list})`,
    [id, sqlTime(at), sqlTime(now), ...reasons],
  )
  await noteTime(tx, id, at)
  return released > 0 ? 'released' : 'unchanged'
}

const noteTime = (tx: Executor, id: number, at: Date): Promise<number> =>
  tx.write(`UPDATE wa_connections SET block_news_at = $2 WHERE id = $1 AND ${isNewest}`, [id, sqlTime(at)])

/** Ends blocks whose time is over; resolves with the connections that may send again. */
export async function releaseOverdue(tx: Executor, now: Date): Promise<number[]> {
  const due = await tx.select<{ id: number }>(
    "SELECT id FROM wa_connections WHERE blocked_until <= $1 AND state = 'paused'",
    [sqlTime(now)],
  )
  const released: number[] = []
  for (const { id } of due) {
    const rows = await tx.write(`${activate('$2')} WHERE id = $1 AND state = 'paused' AND blocked_until <= $2`, [
      id,
      sqlTime(now),
    ])
    if (rows > 0) released.push(Number(id))
  }
  return released
}
