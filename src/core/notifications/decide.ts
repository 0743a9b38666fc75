/** What is asked for: parked, skipped with a reason, refused, or a message through a certain connection. */

import { decideNotice, type NoticeDeps } from './decide-notice.ts'
import type { Decision } from './decision.ts'
import type { Refusal } from './gates/gate.ts'
import type { Notice, NotificationKind } from './kinds/kind.ts'
import { parseEvent } from './parse-event.ts'
import type { ReasonTable } from './reason.ts'

export interface Decide {
  /**
   * What an event asks for. One that cannot be used is kept for a replay: nobody waits for an answer.
   * @param deliveryId see {@link NotificationKind.read}
   */
  event(body: Buffer, deliveryId?: string): Promise<Decision>
  /** What somebody asks for who waits for the answer: what they can mend is refused. */
  notice(kind: NotificationKind, notice: Notice): Promise<Decision>
}

export interface DecideDeps extends NoticeDeps {
  readonly kinds: readonly NotificationKind[]
  readonly reasons: ReasonTable
  /** Shipment updates that end the conversations about their shipment. */
  readonly closing: ReadonlySet<string>
}

export const createDecide = (deps: DecideDeps): Decide => ({
  async event(body, deliveryId) {
    const parsed = parseEvent(body)
    if (!parsed.ok) return park(body, parsed)
    const kind = deps.kinds.find((candidate) => candidate.recognises(parsed.value))
    if (!kind && deps.kinds.some((candidate) => candidate.passesOver?.(parsed.value)))
      return passOver(deps, parsed.value)
    if (!kind) return park(body, { reason: 'unknown_kind', detail: 'no kind of notification recognises this event' })
    const reading = kind.read(parsed.value, deps.reasons, deliveryId)
    if (!reading.ok) return park(body, reading, kind.accountOf(parsed.value))
    const { notice } = reading
    const decision = await decideNotice(deps, kind, notice)
    return decision.type === 'refuse' ? park(body, inWords(decision.refusal), notice.accountId) : decision
  },
  async notice(kind, notice) {
    const decision = await decideNotice(deps, kind, notice)
    return decision.type === 'skip' && decision.mend ? { type: 'refuse', refusal: decision.mend } : decision
  },
})

function passOver({ kinds, closing }: DecideDeps, event: unknown): Decision {
  const [end] = kinds.flatMap((kind) => kind.endOf?.(event, closing) ?? [])
  return end ? { type: 'end', end } : { type: 'pass' }
}

const inWords = ({ code, detail = code }: Refusal) => ({ reason: code, detail })

const park = (body: Buffer, { reason, detail }: { reason: string; detail: string }, accountId?: number): Decision => ({
  type: 'park',
  rejection: { source: 'event', ...(accountId === undefined ? {} : { accountId }), reason, detail, body },
})
