/** The events of a run, what each of them must lead to, and which customers answer. */

import type { CustomerInput } from '../../src/providers/simulator/inputs.ts'
import { anFdrEventFor } from '../support/fixtures.ts'
import { createChance } from './chance.ts'

export interface PlannedEvent {
  readonly statusLogId: string
  /** E.164 */
  readonly phone: string
  readonly body: object
  /** A message, a row that says why there is none, or a parked event. */
  readonly leadsTo: 'message' | 'skip' | 'park'
  /** Title of the button that the customer taps. */
  readonly tap?: string
}

const firstStatusLog = 700_000_000
const firstPhone = 9_820_000_000
const share = { parked: 0.01, skipped: 0.02, tapping: 0.1 }

const reasons = [
  { code: 1, text: 'Customer unavailable', taps: ['Reattempt', 'Report fake delivery', 'Select new delivery date'] },
  { code: 2, text: 'Rejected by customer', taps: ['Cancel my order', 'Reattempt', 'Report fake delivery'] },
] as const
const cancelled = { code: 9, text: 'Shipment already cancelled' }

/** Every recipient gets one event, so that whoever is written to twice was written to twice for one. */
export function planEvents(count: number, seed: number): PlannedEvent[] {
  const chance = createChance(seed, 'events')
  return Array.from({ length: count }, (_, index) => {
    const facts = { statusLogId: String(firstStatusLog + index), phone: `+91${firstPhone + index}` }
    const local = facts.phone.slice(3)
    const bodyOf = (code: number, text: string, phone = local) =>
      anFdrEventFor(code, text, { status_log_id: facts.statusLogId, id: index + 1, customerContactNumber: phone })
    if (chance.isHit(share.parked)) return { ...facts, body: bodyOf(1, 'no phone', '123'), leadsTo: 'park' }
    if (chance.isHit(share.skipped)) return { ...facts, body: bodyOf(cancelled.code, cancelled.text), leadsTo: 'skip' }
    const { code, text, taps } = chance.pick(reasons)
    const tap = chance.isHit(share.tapping) ? { tap: chance.pick(taps) } : {}
    return { ...facts, body: bodyOf(code, text), leadsTo: 'message', ...tap }
  })
}

/** Customers that tap, a third of them twice; whoever asks for another date also chooses one. */
export function planCustomers(events: readonly PlannedEvent[], seed: number): CustomerInput[] {
  const chance = createChance(seed, 'customers')
  return events.flatMap(({ phone, tap }) => {
    if (tap === undefined) return []
    const afterMs = chance.between(0, 400)
    const times = chance.isHit(1 / 3) ? 2 : 1
    const first: CustomerInput = { phone, when: 'template', tap, afterMs, times }
    return [first, { phone, when: 'interactive', tap: 0, afterMs: chance.between(0, 400) }]
  })
}
