/** The story of a webhook, second half, for news: accounts are blocked and released, templates come and go. */

import type { ConnectionEvents, PendingAccountNews, SettledAccountNews } from '../accounts/connection-events.ts'
import { applyConnectionEffect, type ConnectionChange } from '../accounts/connection-news.ts'
import type { TemplateHealth } from '../accounts/template-health.ts'
import type { NewsEffect } from '../contract/events.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Database, Executor } from '../storage/database.ts'
import { applyGroup } from '../storage/one-by-one.ts'
import { nextLook } from './matching.ts'

export interface ApplyAccountNewsDeps {
  readonly database: Database
  readonly events: ConnectionEvents
  readonly templates: TemplateHealth
  /** Connections of this installation were changed; they may have something to send, or must not send any more. */
  readonly connectionsChanged: (changes: readonly ChangedConnection[]) => Promise<void>
  /** What is known of a connection's templates was changed. */
  readonly templatesChanged: (connectionId: number) => void
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
}

export interface ChangedConnection {
  readonly connectionId: number
  readonly change: Exclude<ConnectionChange, 'unchanged'>
}

/** News that is applied in one transaction at most. */
export const accountNewsGroupSize = 32

/** Applies one group of stored news. Resolves with how much was looked at. */
export function applyAccountNews(deps: ApplyAccountNewsDeps): Promise<number> {
  const apply = (limit: number) => applyDue(deps, limit)
  return applyGroup({ apply, putOffFirst: () => putOffFirst(deps), log: deps.log }, accountNewsGroupSize)
}

async function putOffFirst({ database, events, now }: ApplyAccountNewsDeps): Promise<void> {
  await database.transaction(async (tx) => {
    const first = await events.due(tx, 1, now())
    const later = first.map(({ id, tries }) => ({ id, tries: tries + 1, dueAt: nextLook(tries, now()) }))
    await events.settle(tx, later, now())
  })
}

async function applyDue(deps: ApplyAccountNewsDeps, limit: number): Promise<number> {
  const { database, events, now } = deps
  const applied = await database.transaction(async (tx) => {
    const pending = await events.due(tx, limit, now())
    const outcome = await applyAll(deps, tx, pending)
    await events.settle(tx, pending.map(done), now())
    return { ...outcome, looked: pending.length }
  })
  await announce(deps, applied)
  return applied.looked
}

const done = ({ id, tries }: PendingAccountNews): SettledAccountNews => ({ id, tries: tries + 1, dueAt: null })

interface Applied {
  readonly changed: readonly ChangedConnection[]
  /** Connections of which templates were changed. */
  readonly templates: ReadonlySet<number>
}

/** In the order of the provider's times, so that the last word counts. */
async function applyAll(
  deps: ApplyAccountNewsDeps,
  tx: Executor,
  pending: readonly PendingAccountNews[],
): Promise<Applied> {
  const changed: ChangedConnection[] = []
  const templates = new Set<number>()
  const inOrder = [...pending].sort((a, b) => a.at.getTime() - b.at.getTime() || a.id - b.id)
  for (const news of inOrder) {
    const { connectionId } = news
    for (const effect of news.effects) {
      const change = await applyEffect(deps, tx, news, effect)
      if (change === 'template') templates.add(connectionId)
      else if (change !== 'unchanged') changed.push({ connectionId, change })
    }
  }
  return { changed, templates }
}

async function applyEffect(
  { templates, now }: ApplyAccountNewsDeps,
  tx: Executor,
  { connectionId, at }: PendingAccountNews,
  effect: NewsEffect,
): Promise<ConnectionChange | 'template'> {
  if (!('template' in effect)) return applyConnectionEffect(tx, connectionId, effect, at, now())
  await templates.record(tx, connectionId, effect, at, now())
  return 'template'
}

async function announce(
  { templatesChanged, connectionsChanged, log, metrics }: ApplyAccountNewsDeps,
  applied: Applied,
) {
  for (const connectionId of applied.templates) templatesChanged(connectionId)
  if (applied.changed.length === 0) return
  for (const { connectionId, change } of applied.changed) {
    if (change !== 'blocked') continue
    metrics.connectionsPaused.inc({ reason: 'blocked' })
    log.error({ connectionId }, 'connection paused: the provider blocked its account; its messages wait')
  }
  await connectionsChanged(applied.changed)
}
