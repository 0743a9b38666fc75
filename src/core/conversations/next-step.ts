/** What a conversation does next: pure. Data in, decisions out; nobody is called and no clock is read. */

import type { Action } from '../notifications/reason.ts'
import type { LinkAction, TextKey } from '../notifications/template-catalog.ts'
import { courierDate, isStillAhead, nextDeliveryDates } from './delivery-dates.ts'
import type { ActionFlow, Flows, NdrActionName } from './flows.ts'

/** What is remembered between two answers of a customer. */
export interface Conversation {
  readonly decision?: { readonly action: Action; readonly value?: string } | undefined
  /** Dates that were offered, `yyyy-mm-dd`. */
  readonly offeredDates: readonly string[]
  /** When the choices were last put again to somebody who typed. */
  readonly choicesAt?: Date | undefined
}

/** What the customer did: tapped a button of ours, or anything else. */
export type CustomerMove =
  | { readonly type: 'tap'; readonly action: Action; readonly value?: string | undefined }
  | { readonly type: 'words' }
  | { readonly type: 'other' }

export interface Circumstances {
  readonly now: Date
  readonly timezone: string
  /** When the first message was written. */
  readonly startedAt: Date
}

/** What we say, still without language. */
export type Answer =
  | { readonly type: 'text'; readonly key: TextKey; readonly date?: string }
  | { readonly type: 'dates'; readonly key: TextKey; readonly dates: readonly string[] }
  | { readonly type: 'link'; readonly key: LinkAction }
  | { readonly type: 'choices'; readonly key: TextKey }

export interface Step {
  readonly conversation: Conversation
  /** `eventSubType` of the activity event, and what it adds to `response_data`. */
  readonly activity: { readonly eventSubType: string; readonly details: Readonly<Record<string, unknown>> }
  readonly answer?: Answer
  readonly ndr?: { readonly action: NdrActionName; readonly deferredDate?: string }
}

type DecisionFlow = Extract<ActionFlow, { ndr: NdrActionName }>

const dayMs = 86_400_000
/** Somebody who types three lines in a row gets the choices once. */
const choicesEveryMs = 10 * 60_000

/** Decides the next step. The first decision wins; whatever comes later is answered and changes nothing. */
export function nextStep(flows: Flows, known: Conversation, move: CustomerMove, around: Circumstances): Step {
  if (move.type === 'other') return noted(known)
  if (isOver(flows, around)) return noted(known, move.type === 'tap' ? { type: 'text', key: 'too_late' } : undefined)
  if (move.type === 'words') return onWords(known, around)
  if (known.decision) return noted(known, { type: 'text', key: 'already_noted' })
  return onTap(flows, known, move.action, move.value, around)
}

const isOver = (flows: Flows, { now, startedAt }: Circumstances) =>
  now.getTime() > startedAt.getTime() + flows.openDays * dayMs

/** Recorded as a reply, with or without an answer. */
const noted = (conversation: Conversation, answer?: Answer): Step => ({
  conversation,
  activity: { eventSubType: 'customer_reply', details: {} },
  ...(answer ? { answer } : {}),
})

function onWords(known: Conversation, { now }: Circumstances): Step {
  if (known.choicesAt && now.getTime() - known.choicesAt.getTime() < choicesEveryMs) return noted(known)
  const answer: Answer = known.decision
    ? { type: 'text', key: 'already_noted' }
    : { type: 'choices', key: 'choices_again' }
  return noted({ ...known, choicesAt: now }, answer)
}

function onTap(
  flows: Flows,
  known: Conversation,
  action: Action,
  value: string | undefined,
  around: Circumstances,
): Step {
  const flow = flows.actions[action]
  switch (flow.does) {
    case 'link':
      return { ...noted(known, { type: 'link', key: flow.link }), activity: activityOf(flow.activity) }
    case 'decide':
      return decided(flow, known, action)
    case 'ask_delivery_date':
      return isTakeable(known, value, around)
        ? decided(flow, known, action, value)
        : askForDate(flows, known, flow.question, around)
  }
}

/** A date that we offered and that is still to come; taps on old buttons may name any other. */
const isTakeable = (known: Conversation, date: string | undefined, { now, timezone }: Circumstances): boolean =>
  date !== undefined && known.offeredDates.includes(date) && isStillAhead(date, now, timezone)

function askForDate(flows: Flows, known: Conversation, key: TextKey, { now, timezone }: Circumstances): Step {
  const dates = nextDeliveryDates(flows.deliveryDates, now, timezone)
  return noted({ ...known, offeredDates: dates }, { type: 'dates', key, dates })
}

function decided(flow: DecisionFlow, known: Conversation, action: Action, date?: string): Step {
  const deferredDate = date ? courierDate(date) : undefined
  return {
    conversation: { ...known, decision: { action, ...(date ? { value: date } : {}) } },
    activity: activityOf(flow.activity, deferredDate),
    answer: { type: 'text', key: flow.answer, ...(date ? { date } : {}) },
    ndr: { action: flow.ndr, ...(deferredDate ? { deferredDate } : {}) },
  }
}

const activityOf = (name: string, deferredDate?: string) => ({
  eventSubType: name,
  details: { action_taken: name, ...(deferredDate ? { deferredDate } : {}) },
})
