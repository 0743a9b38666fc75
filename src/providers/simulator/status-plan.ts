/** Which statuses a message goes through, and when each is told. Pure. */

import type { Rule, StatusDelaysMs, StatusName } from './inputs.ts'
import { shuffled } from './random.ts'

export interface PlannedStatus {
  readonly status: StatusName | 'failed'
  /** Told so long after acceptance. */
  readonly tellAfterMs: number
  /** Happened so long after acceptance; in a shuffle another time than that of telling. */
  readonly happensAfterMs: number
  /** Off: it happens to the customer, but no webhook tells it. */
  readonly told: boolean
}

const defaultDelaysMs = { sent: 5, delivered: 10, read: 20 } as const
const statusNames = ['sent', 'delivered', 'read'] as const

export interface PlanInput {
  readonly delaysMs: StatusDelaysMs
  readonly lies: Rule['webhooks']
  /** The message is accepted and then fails. */
  readonly failCode: number | undefined
  readonly random: () => number
}

export function planStatuses({ delaysMs, lies, failCode, random }: PlanInput): PlannedStatus[] {
  const delays = { ...defaultDelaysMs, ...delaysMs, ...lies?.delaysMs }
  if (failCode !== undefined) {
    return [{ status: 'failed', tellAfterMs: delays.sent ?? 0, happensAfterMs: delays.sent ?? 0, told: true }]
  }
  let atMs = 0
  const steps = statusNames.map((status) => {
    atMs += delays[status] ?? 0
    return { status, happensAfterMs: atMs, told: delays[status] !== null && !lies?.suppress?.includes(status) }
  })
  const told = steps.filter((step) => step.told)
  const moments = lies?.shuffle ? shuffled(told, random) : told
  return steps.map((step) => ({
    ...step,
    tellAfterMs: moments[told.indexOf(step)]?.happensAfterMs ?? step.happensAfterMs,
  }))
}
