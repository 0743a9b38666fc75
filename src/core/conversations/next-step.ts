/** What a conversation does next: pure. Data in, decisions out; nobody is called and no clock is read. */

import { isDeepStrictEqual } from 'node:util'
import type { ConsentWord } from '../contacts/consent-words.ts'
import type { LinkAction, TextKey } from '../notifications/catalog/words.ts'
import type { Action } from '../notifications/reason.ts'
import { courierDate, isStillAhead, nextDeliveryDates, whyNotOn } from './delivery-dates.ts'
import type { ActionFlow, AnswerTemplate, Flows, NdrActionName } from './flows.ts'

/** What is remembered between two answers of a customer. */
export interface Conversation {
  readonly decision?: { readonly action: Action; readonly value?: string } | undefined
  /** Dates that were offered, `yyyy-mm-dd`. */
  readonly offeredDates: readonly string[]
  /** When somebody who typed was last answered. */
  readonly choicesAt?: Date | undefined
  /** The shipment update that ended it, e.g. `delivered`. */
  readonly closedBy?: string | undefined
}

/** What the customer did: tapped a button of ours, or anything else. */
export type CustomerMove =
  | { readonly type: 'tap'; readonly action: Action; readonly value?: string | undefined }
  | { readonly type: 'words' }
  /** Asks for no messages any more, or for messages again. `isNews`: that is not what held before. */
  | { readonly type: 'wish'; readonly word: ConsentWord; readonly isNews: boolean }
  | { readonly type: 'other' }

export interface Circumstances {
  readonly now: Date
  readonly timezone: string
  /** When the first message was written. */
  readonly startedAt: Date
  readonly courierName?: string | undefined
  /** Did the first message offer choices? What offered none is not answered automatically. */
  readonly hasChoices: boolean
  /** A person is writing with the customer. */
  readonly isPaused: boolean
  /** The customer wants no messages: what they do is taken, and nothing is said. */
  readonly isRefused: boolean
  /** A dialogue of the provider's asks and answers: what it came to is taken, and nothing is said from here. */
  readonly isCarriedElsewhere?: boolean
  /** The courier side has provably not been told of the decision, and will not be before this step is written. */
  readonly isUnpushed: boolean
}

/** What we say, still without language. */
export type Answer =
  | {
      readonly type: 'text'
      readonly key: TextKey
      readonly date?: string
      readonly outsideWindow?: AnswerTemplate | undefined
      /** Said even to somebody who wants no messages. */
      readonly confirmsWish?: boolean
    }
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
type Tap = Extract<CustomerMove, { type: 'tap' }>
type Wish = Extract<CustomerMove, { type: 'wish' }>

const dayMs = 86_400_000
const minuteMs = 60_000

/**
 * Decides the next step. The first decision wins, unless the account lets customers change it until it is pushed;
 * whatever else comes later is answered and changes nothing.
 */
export function nextStep(flows: Flows, known: Conversation, move: CustomerMove, around: Circumstances): Step {
  const step = openStep(flows, known, move, around)
  if (around.isCarriedElsewhere) return silent(step, known)
  if (step.answer?.type === 'text' && step.answer.confirmsWish) return step
  if (around.isRefused) return silent(step, known)
  return around.isPaused ? hushed(step, known) : step
}

function openStep(flows: Flows, known: Conversation, move: CustomerMove, around: Circumstances): Step {
  if (move.type === 'other') return noted(known)
  if (move.type === 'wish') return onWish(flows, known, move, around)
  if (move.type === 'words') return onWords(flows, known, around)
  if (known.closedBy !== undefined) return noted(known, { type: 'text', key: closingText(flows, known.closedBy) })
  if (isOver(flows, around)) return noted(known, { type: 'text', key: 'too_late' })
  return known.decision ? onLaterTap(flows, known, move, around) : onTap(flows, known, move, around)
}

const isOver = (flows: Flows, { now, startedAt }: Circumstances) =>
  now.getTime() > startedAt.getTime() + flows.openDays * dayMs

const closingText = ({ closing }: Flows, closedBy: string): TextKey => closing[closedBy] ?? 'too_late'

/** Recorded as a reply, with or without an answer. */
const noted = (conversation: Conversation, answer?: Answer): Step => ({
  conversation,
  activity: { eventSubType: 'customer_reply', details: {} },
  ...(answer ? { answer } : {}),
})

/** While a person writes, only what a tap needs to go on is said. */
const hushed = (step: Step, known: Conversation): Step =>
  step.answer?.type === 'dates' || step.answer?.type === 'link' ? step : silent(step, known)

/** Nothing is said; somebody who typed was not answered then, and no dates were offered. */
function silent({ answer: _, ...step }: Step, { choicesAt, offeredDates }: Conversation): Step {
  const { choicesAt: __, ...conversation } = step.conversation
  return { ...step, conversation: { ...conversation, offeredDates, ...(choicesAt ? { choicesAt } : {}) } }
}

/** Confirmed once. Somebody who writes START without having stopped anything means something else by it. */
function onWish(flows: Flows, known: Conversation, { word, isNews }: Wish, around: Circumstances): Step {
  if (isNews) return noted(known, { type: 'text', key: `${word}_thanks`, confirmsWish: true })
  return word === 'stop' ? noted(known) : onWords(flows, known, around)
}

function onWords(flows: Flows, known: Conversation, around: Circumstances): Step {
  const { now, hasChoices } = around
  const isSoon = known.choicesAt && now.getTime() - known.choicesAt.getTime() < flows.choicesEveryMinutes * minuteMs
  const answer = hasChoices && !isSoon ? answerToWords(flows, known, around) : undefined
  return answer ? noted({ ...known, choicesAt: now }, answer) : noted(known)
}

function answerToWords(flows: Flows, known: Conversation, around: Circumstances): Answer | undefined {
  if (known.closedBy !== undefined) return { type: 'text', key: closingText(flows, known.closedBy) }
  if (isOver(flows, around)) return undefined
  if (known.decision) return { type: 'text', key: 'already_noted' }
  return { type: 'choices', key: 'choices_again' }
}

function onLaterTap(flows: Flows, known: Conversation, tap: Tap, around: Circumstances): Step {
  const alreadyNoted = noted(known, { type: 'text', key: 'already_noted' })
  if (!flows.changeUntilPushed || !around.isUnpushed) return alreadyNoted
  const step = onTap(flows, known, tap, around)
  return isDeepStrictEqual(step.conversation.decision, known.decision) && step.ndr ? alreadyNoted : step
}

function onTap(flows: Flows, known: Conversation, { action, value }: Tap, around: Circumstances): Step {
  const flow = flows.actions[action]
  switch (flow.does) {
    case 'link':
      return { ...noted(known, { type: 'link', key: flow.link }), activity: activityOf(flow.activity) }
    case 'decide':
      return decided(flow, known, action)
    case 'ask_delivery_date':
      if (value !== undefined && around.isCarriedElsewhere)
        return onNamedDate(flows, flow, known, { action, date: value }, around)
      if (isTakeable(known, value, around)) return decided(flow, known, action, value)
      return askForDate(flows, known, value === undefined ? flow.question : flow.again, around)
  }
}

/** A date that was offered last and is still to come; taps on old buttons may name any other. */
const isTakeable = (known: Conversation, date: string | undefined, around: Circumstances): boolean =>
  date !== undefined && known.offeredDates.includes(date) && isStillAhead(date, around.now, around.timezone)

/** A date that a dialogue of the provider's asked for: nobody offered it from here, so any day may be named. */
function onNamedDate(
  { deliveryDates }: Flows,
  flow: DecisionFlow,
  known: Conversation,
  { action, date }: { readonly action: Action; readonly date: string },
  { now, timezone, courierName }: Circumstances,
): Step {
  const why = whyNotOn(deliveryDates, date, now, timezone, courierName)
  if (why === undefined) return decided(flow, known, action, date)
  const details = { refusedDate: courierDate(date), refusedBecause: why }
  return { ...noted(known), activity: { eventSubType: 'customer_reply', details } }
}

function askForDate(
  flows: Flows,
  known: Conversation,
  key: TextKey,
  { now, timezone, courierName }: Circumstances,
): Step {
  const dates = nextDeliveryDates(flows.deliveryDates, now, timezone, courierName)
  if (dates.length === 0) return noted(known, { type: 'choices', key: 'no_dates' })
  return noted({ ...known, offeredDates: dates }, { type: 'dates', key, dates })
}

function decided(flow: DecisionFlow, known: Conversation, action: Action, date?: string): Step {
  const deferredDate = date ? courierDate(date) : undefined
  const { answer: key, outsideWindow } = flow
  return {
    conversation: { ...known, decision: { action, ...(date ? { value: date } : {}) } },
    activity: activityOf(flow.activity, deferredDate),
    answer: { type: 'text', key, ...(date ? { date } : {}), ...(outsideWindow ? { outsideWindow } : {}) },
    ndr: { action: flow.ndr, ...(deferredDate ? { deferredDate } : {}) },
  }
}

const activityOf = (name: string, deferredDate?: string) => ({
  eventSubType: name,
  details: { action_taken: name, ...(deferredDate ? { deferredDate } : {}) },
})
