/** What lanes do, by connection, for as many connections as have metrics of their own. */

import { metricTable } from './metric-table.ts'
import type { Metrics } from './metrics.ts'

export interface LaneReading {
  readonly connectionId: number
  readonly inFlight: number
  readonly isBreakerOpen: boolean
  readonly waiting: number
  /** For how long the message that should have gone first is due. */
  readonly oldestSeconds: number
}

type LaneFigures = Omit<LaneReading, 'connectionId'>

/** Sets the gauges anew: connections that do nothing any more are gone. */
export function setLanes(metrics: Metrics, lanes: readonly LaneReading[]): void {
  const { laneInFlight, laneWaiting, laneOldest, laneBreakerOpen } = metrics
  for (const each of [laneInFlight, laneWaiting, laneOldest, laneBreakerOpen]) each.reset()
  for (const [connection, lane] of shownLanes(lanes, metricTable.laneWaiting.labels.connection.most)) {
    laneInFlight.set({ connection }, lane.inFlight)
    laneWaiting.set({ connection }, lane.waiting)
    laneOldest.set({ connection }, lane.oldestSeconds)
    laneBreakerOpen.set({ connection }, lane.isBreakerOpen ? 1 : 0)
  }
  metrics.inFlight.set(lanes.reduce((sum, { inFlight }) => sum + inFlight, 0))
  metrics.breakersOpen.set(lanes.filter(({ isBreakerOpen }) => isBreakerOpen).length)
}

/** The busiest by their own names, the rest as `other`, which is always there. */
export function shownLanes(lanes: readonly LaneReading[], most: number): Map<string, LaneFigures> {
  const busiest = [...lanes].sort((a, b) => loadOf(b) - loadOf(a))
  const shown = new Map<string, LaneFigures>()
  for (const lane of busiest.slice(0, most)) shown.set(String(lane.connectionId), lane)
  return shown.set('other', busiest.slice(most).reduce(together, idle))
}

/** A connection that is in trouble is shown before one that is busy. */
const loadOf = ({ inFlight, waiting, isBreakerOpen }: LaneFigures): number =>
  inFlight + waiting + (isBreakerOpen ? Number.MAX_SAFE_INTEGER / 2 : 0)

const idle: LaneFigures = { inFlight: 0, isBreakerOpen: false, waiting: 0, oldestSeconds: 0 }

const together = (a: LaneFigures, b: LaneFigures): LaneFigures => ({
  inFlight: a.inFlight + b.inFlight,
  isBreakerOpen: a.isBreakerOpen || b.isBreakerOpen,
  waiting: a.waiting + b.waiting,
  oldestSeconds: Math.max(a.oldestSeconds, b.oldestSeconds),
})
