/** A whole conversation, told from its first event on: pure. Every line says what happened and, where known, why. */

import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type {
  ClickFact,
  ConversationFacts,
  DecisionFact,
  EndFact,
  HumanFact,
  OperatorFact,
  ReplyFact,
  TakenAs,
} from './conversation-facts.ts'
import { inOrder, type Moment } from './moment.ts'
import { momentsOfMessage } from './moments-of-message.ts'

/** @param now ends the timeline with what is waited for at that moment, if anything */
export function timelineOf(facts: ConversationFacts, now: Date): Moment[] {
  const { root } = facts
  return inOrder([
    ...messageMoments(facts, root, now),
    ...facts.replies.map((reply) => momentOfReply(root, reply, facts.takenAs)),
    ...facts.humans.map((human) => momentOfHuman(root, human)),
    ...facts.decisions.flatMap((decision) => momentsOfDecision(root, decision)),
    ...facts.followUps.flatMap((followUp) => messageMoments(facts, followUp, now)),
    ...facts.ends.map((end) => momentOfEnd(root, end)),
    ...facts.clicks.flatMap(momentsOfClicks),
    ...facts.operators.map((operator) => momentOfOperator(root, operator)),
  ])
}

function messageMoments({ attempts, reports, updatedAt }: ConversationFacts, record: OutgoingRecord, now: Date) {
  const isOwn = ({ messageId }: { messageId: number }) => messageId === record.id
  return momentsOfMessage({
    record,
    attempts: attempts.filter(isOwn),
    reports: reports.filter(isOwn),
    updatedAt: updatedAt.get(record.id) ?? record.createdAt,
    now,
  })
}

const longestQuote = 200

function momentOfReply(root: OutgoingRecord, reply: ReplyFact, takenAs: readonly TakenAs[]): Moment {
  const taken = takenAs.find(({ replyId }) => replyId === reply.replyId)?.eventSubType
  return {
    at: reply.receivedAt,
    what: 'reply',
    messageId: String(reply.contextId ?? root.id),
    text: said(reply),
    why: meaning(taken),
  }
}

const taps: ReadonlySet<string> = new Set(['button', 'button_reply', 'list_reply'])

const quote = (value: string | null): string =>
  value === null ? '' : `: "${value.length > longestQuote ? `${value.slice(0, longestQuote)}…` : value}"`

function said({ type, value }: ReplyFact): string {
  const quoted = quote(value)
  if (taps.has(type)) return `The customer tapped a button${quoted}.`
  return type === 'text' ? `The customer wrote${quoted}.` : `The customer sent something (${type})${quoted}.`
}

function meaning(taken: string | undefined): string | null {
  if (taken === undefined) return 'it is not applied yet'
  return taken === 'customer_reply' ? 'kept as a reply; it decided nothing' : `taken as the choice "${taken}"`
}

function momentOfHuman(root: OutgoingRecord, { type, value, receivedAt }: HumanFact): Moment {
  const text = `A person wrote to the customer from the business phone${quote(value)}.`
  return { at: receivedAt, what: 'human_message', messageId: String(root.id), text, why: type === 'text' ? null : type }
}

const momentOfEnd = (root: OutgoingRecord, { status, at }: EndFact): Moment => ({
  at,
  what: 'shipment_ended',
  messageId: String(root.id),
  text: `The shipment came to its end: ${status}.`,
  why: 'nothing is left for the customer to decide',
})

function momentsOfDecision(root: OutgoingRecord, decision: DecisionFact): Moment[] {
  const messageId = String(root.id)
  const date = decision.deferredDate ? ` to ${decision.deferredDate}` : ''
  const made: Moment = {
    at: decision.createdAt,
    what: 'decision',
    messageId,
    text: `The courier side is to be told: ${decision.action}${date}.`,
    why: 'the customer decided so',
  }
  const result = resultOf(decision)
  return result ? [made, { at: decision.updatedAt, what: 'decision_result', messageId, ...result }] : [made]
}

function resultOf({
  state,
  attempts,
  responseStatus,
  response,
}: DecisionFact): Pick<Moment, 'text' | 'why'> | undefined {
  const answer = responseStatus === null ? response : `it answered ${responseStatus}`
  const times = attempts === 1 ? 'at the first call' : `after ${attempts} calls`
  if (state === 'taken') return { text: `The courier side took the decision ${times}.`, why: answer }
  if (state === 'refused') {
    return {
      text: `The courier side refused the decision ${times}.`,
      why: [answer, response].filter(Boolean).join(': '),
    }
  }
  return attempts === 0
    ? undefined
    : { text: `The courier side could not be told ${times}; it is tried again.`, why: answer }
}

function momentsOfClicks({ messageId, clicks, firstAt, lastAt }: ClickFact): Moment[] {
  const about = { what: 'click', messageId: String(messageId), why: null } as const
  const first = { ...about, at: firstAt, text: 'The customer followed the link.' }
  return clicks > 1
    ? [first, { ...about, at: lastAt, text: `The link was followed ${clicks} times up to now.` }]
    : [first]
}

function momentOfOperator(
  root: OutgoingRecord,
  { actor, action, subjectType, subjectId, detail, at }: OperatorFact,
): Moment {
  const [, verb = action] = action.split('.')
  const messageId = subjectType === 'message' ? subjectId : String(root.id)
  const what = subjectType === 'message' ? 'the message' : 'the decision'
  return {
    at,
    what: 'operator',
    messageId,
    text: `${actor} chose for ${what}: ${verb.replace('_', ' ')}.`,
    why: detail,
  }
}
