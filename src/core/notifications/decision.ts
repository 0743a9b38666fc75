/** What is decided about one event, or about one message that somebody asks for. */

import type { Connection } from '../accounts/connections.ts'
import type { Content } from '../contract/content.ts'
import type { OutgoingDraft } from '../sending/outgoing-message.ts'
import type { Refusal } from './gates/gate.ts'
import type { GuardFacts } from './guards/guard-facts.ts'
import type { ShipmentEnd } from './kinds/shipment-end.ts'
import type { Rejection } from './rejected-events.ts'

export interface SendDecision {
  readonly type: 'send'
  readonly draft: OutgoingDraft & { readonly content: Content; readonly dueAt: Date }
  readonly connection: Connection
  /** The bulk that it is a line of. */
  readonly bulkId?: number | undefined
  /** When what it tells of happened, by the subject's own log. */
  readonly happenedAt?: Date | undefined
  /** Undefined: its account has no guards. */
  readonly guard?: GuardFacts | undefined
}

export interface SkipDecision {
  readonly type: 'skip'
  readonly draft: OutgoingDraft
  /** Whoever asks can mend it: where they wait for the answer they are told, and nothing is written. */
  readonly mend?: Refusal
}

export interface RefuseDecision {
  readonly type: 'refuse'
  readonly refusal: Refusal
}

export type Decision =
  | SendDecision
  | SkipDecision
  /** Whoever asked is told why, and nothing is written. */
  | RefuseDecision
  | { readonly type: 'park'; readonly rejection: Rejection }
  /** Nothing is left to decide about a shipment. */
  | { readonly type: 'end'; readonly end: ShipmentEnd }
  /** A sound event that asks for no notification. */
  | { readonly type: 'pass' }

/** Decides, when its group is accepted. */
export type Ask = () => Promise<Decision>
