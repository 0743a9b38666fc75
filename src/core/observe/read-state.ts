/** Sets the gauges of what stands in the tables; each replica does, so dashboards take the largest. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../storage/database.ts'
import { poolUse } from '../storage/pool-use.ts'
import { metricTable } from './metric-table.ts'
import type { Metrics } from './metrics.ts'
import { setLanes } from './read-lanes.ts'
import { readStoredState, type StoredState } from './stored-state.ts'

export interface ReadStateDeps {
  readonly database: Database
  readonly metrics: Metrics
  readonly lanes: () => readonly { connectionId: number; inFlight: number; breaker: string }[]
  readonly now: () => Date
  /** The process's monotonic clock. */
  readonly nowMs?: () => number
}

/** However many scrape, and however often. */
const freshMs = 4_000
/** A scrape does not wait for a database that is away. */
const patienceMs = 2_000

/** @returns the reading, for before each scrape */
export function createStateReading(deps: ReadStateDeps): () => Promise<void> {
  const { database, metrics, lanes, now, nowMs = () => performance.now() } = deps
  let known: StoredState | undefined
  let readAtMs = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined

  const readAgain = async () => {
    try {
      known = await readStoredState(database, now())
      readAtMs = nowMs()
    } catch {
      // Told by the gauge: what failed is logged by the work that needs the database.
    }
    reading = undefined
  }
  const isFresh = () => nowMs() - readAtMs < freshMs
  return async () => {
    if (!isFresh()) reading ??= readAgain()
    if (reading) await Promise.race([reading, sleep(patienceMs, undefined, { ref: false })])
    metrics.storedStateRead.set(isFresh() ? 1 : 0)
    setLanes(metrics, laneReadings(lanes(), known))
    if (known) setStored(metrics, known)
    setPool(deps)
  }
}

function setPool({ metrics, database }: ReadStateDeps): void {
  const { used, free, waiting } = poolUse(database)
  metrics.databaseConnections.set({ state: 'used' }, used)
  metrics.databaseConnections.set({ state: 'free' }, free)
  metrics.databaseWaiting.set(waiting)
}

const nothing = { count: 0, oldestSeconds: 0 }

function laneReadings(used: ReturnType<ReadStateDeps['lanes']>, known: StoredState | undefined) {
  const inProcess = new Map(used.map((lane) => [lane.connectionId, lane]))
  const ids = new Set([...inProcess.keys(), ...(known?.waiting.keys() ?? [])])
  return [...ids].map((connectionId) => {
    const { count: waiting, oldestSeconds } = known?.waiting.get(connectionId) ?? nothing
    const { inFlight = 0, breaker = 'closed' } = inProcess.get(connectionId) ?? {}
    return { connectionId, inFlight, isBreakerOpen: breaker !== 'closed', waiting, oldestSeconds }
  })
}

function setStored(metrics: Metrics, known: StoredState): void {
  metrics.doubtsOpen.set(known.doubts.count)
  metrics.doubtsOldest.set(known.doubts.oldestSeconds)
  for (const part of metricTable.inboundUnapplied.labels.part) {
    metrics.inboundUnapplied.set({ part }, known.unapplied[part].count)
    metrics.inboundOldest.set({ part }, known.unapplied[part].oldestSeconds)
  }
  metrics.decisionsUnpushed.set(known.unpushed.count)
  metrics.decisionsOldest.set(known.unpushed.oldestSeconds)
  metrics.unpublished.set(known.unpublished.count)
  metrics.unpublishedOldest.set(known.unpublished.oldestSeconds)
  for (const source of metricTable.parked.labels.source) metrics.parked.set({ source }, known.parked[source])
  metrics.invariantDrift.set({ invariant: 'stranded_messages' }, known.stranded)
  setConnections(metrics, known.connections)
}

function setConnections(metrics: Metrics, connections: StoredState['connections']): void {
  metrics.connections.reset()
  for (const { provider } of connections)
    for (const state of metricTable.connections.labels.state) {
      const own = connections.filter((row) => row.provider === provider && row.state === state)
      metrics.connections.set({ provider, state }, sumOf(own))
    }
  for (const reason of metricTable.connectionsNeedingRepair.labels.reason) {
    const broken = connections.filter((row) => row.state === 'paused' && row.reason === reason)
    metrics.connectionsNeedingRepair.set({ reason }, sumOf(broken))
  }
}

const sumOf = (rows: StoredState['connections']): number => rows.reduce((sum, { count }) => sum + count, 0)
