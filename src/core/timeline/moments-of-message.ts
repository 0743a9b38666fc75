/** What happened to one message on its way out, as lines of a timeline: pure. */

import { type FailureCode, failureKinds } from '../contract/failures.ts'
import { isKeptForMorning, type OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { AttemptFact, ReportFact } from './conversation-facts.ts'
import { duration, type Moment } from './moment.ts'

export interface MessageFacts {
  readonly record: OutgoingRecord
  /** Of this message, oldest first. */
  readonly attempts: readonly AttemptFact[]
  readonly reports: readonly ReportFact[]
  /** When the row was last written. */
  readonly updatedAt: Date
  readonly now: Date
}

/** A shorter time between two things is no wait. */
const noticedMs = 1_000

/** The message's way from its acceptance to what it waits for now. */
export function momentsOfMessage(facts: MessageFacts): Moment[] {
  return [
    begin(facts.record),
    ...route(facts.record, facts.attempts),
    ...facts.attempts.flatMap((attempt, index) => momentsOfAttempt(facts, attempt, index)),
    ...facts.reports.map((report) => momentOfReport(report)),
    ...state(facts),
  ]
}

function begin(record: OutgoingRecord): Moment {
  const about = { at: record.createdAt, messageId: String(record.id) }
  if (record.rootOutgoingId !== null) {
    const { content } = record
    const words = content && content.type !== 'template' ? `: "${content.text}"` : ''
    return {
      ...about,
      what: 'follow_up',
      text: `An answer to the customer was written${words}.`,
      why: record.route.why,
    }
  }
  const order = record.snapshot.orderNumber ? ` about order ${record.snapshot.orderNumber}` : ''
  return {
    ...about,
    what: 'event_accepted',
    text: `The ${record.kind} event${order} was taken in.`,
    why: record.reason ? `its reason is ${record.reason}` : null,
  }
}

function route(record: OutgoingRecord, attempts: readonly AttemptFact[]): Moment[] {
  const about = { at: record.createdAt, messageId: String(record.id), why: record.route.why || null }
  if (record.state === 'skipped') {
    const why = [record.failureCode, record.failureReason].filter(Boolean).join(': ')
    return [{ ...about, what: 'skipped', text: 'Nothing is sent.', why }]
  }
  // An answer leaves through the connection that was answered: nothing was chosen.
  if (record.rootOutgoingId !== null || record.connectionId === null) return []
  const first = attempts[0]?.connectionId ?? record.connectionId
  const text = `It was to go out through connection ${first}.`
  // Only the newest choice is kept with its reason.
  return [{ ...about, what: 'route_chosen', text, why: first === record.connectionId ? about.why : null }]
}

function otherRoute(record: OutgoingRecord, earlier: AttemptFact | undefined, attempt: AttemptFact): Moment[] {
  if (!earlier || earlier.connectionId === attempt.connectionId) return []
  const text = `It goes on through connection ${attempt.connectionId}.`
  const about = { at: attempt.startedAt, messageId: String(record.id), why: record.route.why || null }
  return [{ ...about, what: 'route_chosen', text }]
}

function momentsOfAttempt({ record, attempts, reports }: MessageFacts, attempt: AttemptFact, index: number): Moment[] {
  const earlier = attempts[index - 1]
  const outcome: Moment = {
    at: attempt.finishedAt,
    what: 'attempt',
    messageId: String(record.id),
    text: `Attempt ${attempt.attempt} through connection ${attempt.connectionId}: ${outcomes[attempt.outcome]}.`,
    why: failureText(attempt),
  }
  const settled = attempt.outcome === 'in_doubt' ? settlement(record, attempts[index + 1], reports) : []
  return [...otherRoute(record, earlier, attempt), ...wait(record, earlier, attempt), outcome, ...settled]
}

const outcomes: Readonly<Record<AttemptFact['outcome'], string>> = {
  accepted: 'the provider took the message',
  refused: 'the provider did not take the message',
  in_doubt: 'whether the provider took the message was not known',
}

/** Before the first attempt the connection had its pace to keep, or was paused; later ones were put off on purpose. */
function wait(record: OutgoingRecord, earlier: AttemptFact | undefined, attempt: AttemptFact): Moment[] {
  const since = earlier?.finishedAt ?? record.createdAt
  const waitedMs = attempt.startedAt.getTime() - since.getTime()
  if (waitedMs < noticedMs) return []
  const why = earlier
    ? (failureText(earlier) ?? 'the attempt before had failed')
    : 'its connection was busy, keeping its pace or paused, or the hour was quiet'
  const text = `It waited ${duration(waitedMs)} before attempt ${attempt.attempt}.`
  return [{ at: attempt.startedAt, what: 'waited', messageId: String(record.id), text, why }]
}

function settlement(record: OutgoingRecord, next: AttemptFact | undefined, reports: readonly ReportFact[]): Moment[] {
  const about = { what: 'doubt_settled', messageId: String(record.id) } as const
  if (next) {
    const text = 'It was sent again; the customer may have got it twice.'
    return [{ ...about, at: next.startedAt, text, why: 'no sign of the doubted attempt came' }]
  }
  const [proof] = reports
  if (record.acceptedAt === null || !proof) return []
  const text = 'The doubt is over: the provider had taken the message.'
  return [{ ...about, at: proof.receivedAt, text, why: `a report came: ${proof.status}` }]
}

function failureText({ failureCode, vendorCode, detail }: AttemptFact): string | null {
  if (!failureCode) return detail
  const words = [vendorCode, detail].filter(Boolean).join(' ')
  const text = failureKinds[failureCode as FailureCode]?.text ?? failureCode
  return words ? `${text} (${words})` : text
}

const statuses: ReadonlySet<string> = new Set(['accepted', 'sent', 'delivered', 'read', 'failed'])

function momentOfReport({ messageId, status, at, receivedAt, failureReason }: ReportFact): Moment {
  const about = { at: receivedAt, what: 'report', messageId: String(messageId) } as const
  if (status === 'unconfirmed')
    return { ...about, text: 'The provider reported what it must confirm first; it is asked.', why: failureReason }
  if (!statuses.has(status)) {
    return { ...about, text: `The provider reported "${status}"; that changes nothing.`, why: failureReason }
  }
  const when = at ? ` It says that this was at ${at.toISOString()}.` : ''
  return { ...about, text: `The provider reported: ${status}.${when}`, why: failureReason }
}

const waits: Partial<Record<OutgoingRecord['state'], string>> = {
  queued: 'It waits for its turn',
  sending: 'It is being handed to the provider',
  waiting: 'It waits for the next attempt',
  in_doubt: 'Whether it was sent is not known yet; the gateway looks again',
}

/** What it waits for, or how it ended without an attempt or report that tells. */
function state({ record, updatedAt, now }: MessageFacts): Moment[] {
  const messageId = String(record.id)
  const code = record.failureCode
  const why = record.failureReason ?? (code ? (failureKinds[code as FailureCode]?.text ?? code) : null)
  if (record.state === 'unknown') {
    const text = 'Whether it was sent stays unknown; an operator may decide.'
    return [{ at: updatedAt, what: 'ended', messageId, text, why }]
  }
  if (record.state === 'expired') {
    const text = record.acceptedAt ? 'Nothing more was heard of it: it expired.' : 'It came too late to be sent.'
    return [{ at: updatedAt, what: 'ended', messageId, text, why }]
  }
  if (isKeptForMorning(record)) {
    const text = `It waits until ${record.dueAt?.toISOString()}.`
    return [{ at: now, what: 'now', messageId, text, why: 'the hours are quiet where the recipient lives' }]
  }
  const text = waits[record.state]
  if (!text) return []
  const until = record.dueAt && record.dueAt > now ? ` (until ${record.dueAt.toISOString()})` : ''
  return [{ at: now, what: 'now', messageId, text: `${text}${until}.`, why }]
}
