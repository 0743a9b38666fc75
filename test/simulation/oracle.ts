/** What must hold once everything has come to rest, judged by what the provider knows. */

import { rank } from '../../src/core/sending/outgoing-message.ts'
import { leaseMs } from '../../src/core/sending/outgoing-rows.ts'
import { fromSqlTime } from '../../src/core/storage/time.ts'
import type { Stop } from './customers.ts'
import type { DatabaseServer } from './fakes/database.ts'
import type { Accepted } from './fakes/provider.ts'

export interface Evidence {
  readonly server: DatabaseServer
  readonly accepted: readonly Accepted[]
  /** Keys of the events that were published, canaries included. */
  readonly events: readonly string[]
  /** Malformed bodies that were published. */
  readonly malformed: number
  /** Ids of the activity events that reached the broker. */
  readonly kept: readonly string[]
  /** Reports came soon and always: whatever stayed silent was not sent. */
  readonly isSilenceTrue: boolean
  /** Calls that were refused for their token, and how many could be under way when it was revoked. */
  readonly refusedForToken: number
  readonly mostRefused: number
  /** Recipients who want no more messages. */
  readonly stops: readonly Stop[]
}

export interface MessageRow {
  readonly id: number
  readonly event: string
  readonly phone: string
  readonly state: string
  readonly status_rank: number
  readonly message_id: string | null
  readonly possible_duplicate: number
  readonly expires_at: string
  /** Attempts before the last one that are in doubt to this day. */
  readonly blind: number
  /** What an operator decided, or null. */
  readonly by_hand: string | null
}

interface ReportRow {
  readonly message_id: string
  readonly status: string
  readonly due_at: string | null
  readonly owner: number | null
}

interface ActivityRow {
  readonly event_id: string
  readonly type: string
  readonly owner: number
  readonly sequence: number
}

const messageSelect = `SELECT id, subject_id AS event, customer_phone AS phone, state, status_rank, message_id, possible_duplicate, expires_at,
 (SELECT COUNT(*) FROM wa_send_attempts WHERE wa_outgoing_message_id = message.id AND outcome = 'in_doubt'
 AND attempt < message.attempts) AS blind,
 (SELECT action FROM audit_log WHERE subject_type = 'message' AND subject_id = CAST(message.id AS TEXT)) AS by_hand FROM wa_outgoing_messages AS message ORDER BY id`

/** @returns one sentence per broken promise */
export function judge(evidence: Evidence): string[] {
  const { server, accepted, events } = evidence
  const rows = server.peek<MessageRow>(messageSelect)
  const reports = server.peek<ReportRow>(
    'SELECT message_id, status, due_at, wa_outgoing_message_id AS owner FROM wa_dlr_messages ORDER BY id',
  )
  const activities = server.peek<ActivityRow>(
    'SELECT event_id, event_sub_type AS type, wa_outgoing_message_id AS owner, sequence FROM activity_events ORDER BY id',
  )
  const messages = events.flatMap((event) => {
    const own = rows.filter((row) => row.event === event)
    const takes = accepted.filter((entry) => entry.event === event)
    if (own.length === 0) return [`event ${event} is lost`]
    if (own.length > 1) return [`event ${event} became ${own.length} messages`]
    return own.flatMap((row) => [
      ...aboutMessage(row, takes, evidence.isSilenceTrue),
      ...aboutActivities(row, takes, activities),
    ])
  })
  return [
    ...messages,
    ...aboutFalls(server),
    ...aboutLeases(evidence),
    ...aboutStops(evidence, rows),
    ...aboutReports(accepted, reports, rows),
    ...aboutOutbox(activities, evidence.kept),
    ...aboutOrder(activities, evidence.kept),
    ...aboutParked(evidence),
    ...broken(
      evidence.refusedForToken > evidence.mostRefused,
      `${evidence.refusedForToken} calls were made with a token that was revoked`,
    ),
  ]
}

const broken = (isBroken: boolean, sentence: string): string[] => (isBroken ? [sentence] : [])

/** A claim before the end of a message may be called so much later. */
const callWithinMs = 46_000
const openStates = new Set(['queued', 'sending', 'waiting', 'in_doubt'])
const rankOf = (status: string) => rank[status as 'sent' | 'delivered' | 'read' | 'failed']

function aboutMessage(row: MessageRow, takes: readonly Accepted[], isSilenceTrue: boolean): string[] {
  const name = `event ${row.event}`
  const ranks = takes.flatMap(({ reports }) => reports.map(rankOf))
  const highest = Math.max(rank.accepted, ...ranks)
  // A message of which nothing was heard after `sent` is given up, and still one that the provider took.
  const isGivenUp = row.state === 'expired' && row.status_rank === rank.sent
  const isAccepted = row.state === 'accepted' || isGivenUp
  const isBelieved = row.by_hand === 'message.mark_sent'
  const copies = row.by_hand === 'message.resend' ? 3 : 2
  return [
    ...broken(openStates.has(row.state), `${name} never ended: ${row.state}`),
    ...broken(takes.length > 1 && row.possible_duplicate === 0, `${name} was accepted ${takes.length} times, unmarked`),
    ...broken(takes.length > 1 && isSilenceTrue, `${name} was accepted again although it was reported in time`),
    ...broken(Number(row.blind) > 0 && row.possible_duplicate === 0, `${name} was sent again after a doubt, unmarked`),
    ...broken(
      takes.some(({ askedAt }) => askedAt.getTime() > (fromSqlTime(row.expires_at)?.getTime() ?? 0) + callWithinMs),
      `${name} was sent although it was too late`,
    ),
    ...broken(takes.length > copies, `${name} was accepted ${takes.length} times`),
    ...broken(isAccepted && takes.length === 0 && !isBelieved, `${name} is said to be accepted and never was`),
    ...broken(!isAccepted && takes.length > 0, `${name} was accepted and is said to be ${row.state}`),
    ...broken(takes.length > 0 && row.status_rank !== highest, `${name} has rank ${row.status_rank}, not ${highest}`),
    ...broken(
      isAccepted && !isBelieved && !takes.some(({ messageId }) => messageId === row.message_id),
      `${name} has the id ${row.message_id}, which the provider did not give it`,
    ),
  ]
}

/** Every transition is told, and told once. */
function aboutActivities(row: MessageRow, takes: readonly Accepted[], activities: readonly ActivityRow[]): string[] {
  const own = activities.filter(({ owner }) => owner === row.id)
  const told = new Set(own.map(({ type }) => type))
  const expected = new Set(takes.length > 0 ? ['inqueue', ...takes.flatMap(({ reports }) => reports)] : [])
  if (row.state === 'failed' || row.state === 'expired') expected.add('failed')
  if (row.state === 'unknown') expected.add('unknown')
  const missing = [...expected].filter((type) => !told.has(type))
  const repeated = own.filter(({ event_id }, index) => own.findIndex((other) => other.event_id === event_id) < index)
  const isFalse = told.has('inqueue') && takes.length === 0 && row.by_hand !== 'message.mark_sent'
  return [
    ...missing.map((type) => `event ${row.event}: '${type}' was never told`),
    ...broken(repeated.length > 0, `event ${row.event}: told again: ${repeated.map(({ type }) => type)}`),
    ...broken(isFalse, `event ${row.event}: an acceptance was told that never was`),
  ]
}

/** Every report that the provider sent is stored once and applied to the message that it is about. */
function aboutReports(
  accepted: readonly Accepted[],
  reports: readonly ReportRow[],
  rows: readonly MessageRow[],
): string[] {
  const eventOf = new Map(rows.map(({ id, event }) => [id, event]))
  return accepted.flatMap(({ messageId, event, reports: statuses }) =>
    statuses.flatMap((status) => {
      const stored = reports.filter((report) => report.message_id === messageId && report.status === status)
      const name = `report ${messageId}/${status}`
      const [first] = stored
      if (!first) return [`${name} is lost`]
      return [
        ...broken(stored.length > 1, `${name} is stored ${stored.length} times`),
        ...broken(first.owner === null, `${name} is not applied`),
        ...broken(first.owner !== null && eventOf.get(first.owner) !== event, `${name} was given to another message`),
      ]
    }),
  )
}

/** What is in the outbox reached the broker, and nothing else did. */
function aboutOutbox(activities: readonly ActivityRow[], kept: readonly string[]): string[] {
  const published = new Set(kept)
  const written = new Set(activities.map(({ event_id }) => event_id))
  return [
    ...activities
      .filter(({ event_id }) => !published.has(event_id))
      .map(({ type, owner }) => `'${type}' of message ${owner} was never published`),
    ...broken(
      [...published].some((id) => !written.has(id)),
      'something was published that is not in the outbox',
    ),
  ]
}

/** Numbers have no gap, and what the broker got first of each event came in their order. Here every message is a root. */
function aboutOrder(activities: readonly ActivityRow[], kept: readonly string[]): string[] {
  const first = [...new Set(kept)].flatMap((id) => activities.find(({ event_id }) => event_id === id) ?? [])
  const owners = [...new Set(activities.map(({ owner }) => owner))]
  return owners.flatMap((owner) => {
    const numbersOf = (rows: readonly ActivityRow[]) =>
      rows.filter((row) => row.owner === owner).map(({ sequence }) => sequence)
    const inOrder = numbersOf(activities).map((_, index) => index + 1)
    return [numbersOf(activities), numbersOf(first)].flatMap((numbers) =>
      broken(numbers.join() !== inOrder.join(), `activity of message ${owner} came as ${numbers.join()}`),
    )
  })
}

function aboutParked({ server, malformed }: Evidence): string[] {
  const [row] = server.peek<{ count: number }>('SELECT COUNT(*) AS count FROM rejected_events')
  return broken(Number(row?.count) !== malformed, `${row?.count} events are parked, not ${malformed}`)
}

/** A status that is known is never taken back, not even for a moment. */
const aboutFalls = (server: DatabaseServer): string[] =>
  server
    .peek<{ message: number; fall: string }>('SELECT message, fall FROM simulated_falls')
    .map(({ message, fall }) => `the status of message ${message} fell: ${fall}`)

/** Nobody is written to by a call that was claimed after their STOP was applied, or that began long after it. */
function aboutStops({ server, accepted, stops }: Evidence, rows: readonly MessageRow[]): string[] {
  const ends = leaseEnds(server)
  const phones = new Map(rows.map(({ event, phone }) => [event, phone]))
  return accepted.flatMap(({ event, reference, askedAt }) => {
    const stop = stops.find(({ phone }) => phone === phones.get(event))
    const stoppedMs = stop?.appliedAt.getTime() ?? Number.POSITIVE_INFINITY
    const claimedMs = (ends.get(reference) ?? 0) - leaseMs
    return broken(
      claimedMs > stoppedMs || askedAt.getTime() > stoppedMs + callWithinMs,
      `event ${event} was sent to somebody who had stopped messages`,
    )
  })
}

const leaseEnds = (server: DatabaseServer): ReadonlyMap<string, number> =>
  new Map(
    server
      .peek<{ reference: string; ends_at: string }>('SELECT reference, ends_at FROM simulated_leases')
      .map(({ reference, ends_at }) => [reference, fromSqlTime(ends_at)?.getTime() ?? 0]),
  )

/** Who stood still until its lease was over does not call any more: somebody else may have decided by then. */
function aboutLeases({ server, accepted }: Evidence): string[] {
  const ends = leaseEnds(server)
  return accepted.flatMap(({ event, reference, askedAt }) =>
    broken(
      askedAt.getTime() > (ends.get(reference) ?? Number.POSITIVE_INFINITY),
      `event ${event} was sent when its lease was over`,
    ),
  )
}
