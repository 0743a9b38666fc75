/** Figures: how many messages, how fast, and what they cost. */

import { z } from 'zod'
import { count, counts, maybeTime, time } from './parts.ts'

const times = z.object({ medianMs: z.number().nullable(), p95Ms: z.number().nullable() })

const figures = {
  queued: count,
  accepted: count,
  sent: count,
  delivered: count,
  read: count,
  expired: count,
  unknown: count,
  replied: count,
  failed: count,
  failedBy: counts,
  skipped: count,
  skippedBy: counts,
  decided: count,
  decidedBy: counts,
  savedDeliveries: count,
  timeToDelivery: times,
  timeToDecision: times,
  /** Currency -> amount, a decimal number. */
  cost: z.record(z.string(), z.string()),
  unpriced: count,
}

/** By what an item is told apart, as far as it was asked for. */
const label = z.union([z.string(), z.boolean(), z.number()]).nullable().optional()
const labels = {
  hour: label,
  day: label,
  account: label,
  connection: label,
  provider: label,
  template: label,
  reason: label,
  kind: label,
  createdBy: label,
  isFollowUp: label,
}

export const stats = z.object({
  from: time,
  to: time,
  timezone: z.string(),
  items: z.array(z.object({ ...labels, ...figures }).meta({ id: 'StatsItem' })),
  totals: z.object(figures).meta({ id: 'Figures' }),
  countedUntil: maybeTime,
})
