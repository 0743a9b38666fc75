/** The judgement: compares what the gateway says with what others saw. Pure. */

import { parseAttemptReference, rank } from '../../src/core/sending/outgoing-message.ts'
import type { AcceptedMessage } from '../../src/providers/simulator/ledger.ts'
import type { Evidence, MessageRow } from './evidence.ts'

/** One thing that must never happen, with every case in which it did. */
export interface Verdict {
  readonly rule: string
  readonly violations: readonly string[]
}

export function judge(evidence: Evidence): Verdict[] {
  const facts = connect(evidence)
  return Object.entries(rules).map(([rule, find]) => ({ rule, violations: find(evidence, facts) }))
}

/** The witnesses' records, joined. */
export interface Facts {
  readonly byReference: ReadonlyMap<string, MessageRow>
  /** Reference of a message -> what the provider took under it. */
  readonly takenByReference: ReadonlyMap<string, readonly AcceptedMessage[]>
  readonly referenceOfWamid: ReadonlyMap<string, string>
}

export function connect({ messages, accepted }: Evidence): Facts {
  const referenceOf = ({ reference, wamid }: AcceptedMessage) => parseAttemptReference(reference)?.reference ?? wamid
  return {
    byReference: new Map(messages.map((message) => [message.reference, message])),
    takenByReference: groupBy(accepted, referenceOf),
    referenceOfWamid: new Map(accepted.map((message) => [message.wamid, referenceOf(message)])),
  }
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

type Find = (evidence: Evidence, facts: Facts) => string[]

const show = ({ id, phone, state }: MessageRow) => `message ${id} to ${phone} (${state})`

const lostEvents: Find = ({ events, messages, parkedStatusLogs }) => {
  const known = new Set(messages.map(({ statusLogId }) => statusLogId))
  return events
    .filter(({ statusLogId }) => !known.has(statusLogId) && !parkedStatusLogs.has(statusLogId))
    .map(({ statusLogId }) => `status log ${statusLogId}`)
}

const wrongOutcomes: Find = ({ events, messages, parkedStatusLogs }) => {
  const states = new Map(messages.map(({ statusLogId, state }) => [statusLogId, state]))
  return events.flatMap(({ statusLogId, leadsTo }) => {
    const state = states.get(statusLogId)
    const became = state === undefined ? 'park' : state === 'skipped' ? 'skip' : 'message'
    if (became === leadsTo || (state === undefined && !parkedStatusLogs.has(statusLogId))) return []
    return [`status log ${statusLogId} became ${became} instead of ${leadsTo}`]
  })
}

const severalRows: Find = ({ messages }) => {
  const firsts = messages.filter(({ rootId }) => rootId === null)
  return [...groupBy(firsts, ({ phone }) => phone)].flatMap(([phone, rows]) =>
    rows.length > 1 ? [`${phone}: ${rows.map(show).join(', ')}`] : [],
  )
}

const takenTwice: Find = (_, { byReference, takenByReference }) =>
  [...takenByReference].flatMap(([reference, taken]) => {
    if (taken.length < 2 || byReference.get(reference)?.isPossibleDuplicate) return []
    return [`${taken.map(({ to, reference: full }) => `${to} (${full})`).join(', ')}`]
  })

const takenFromNobody: Find = (_, { byReference, takenByReference }) =>
  [...takenByReference].flatMap(([reference, taken]) =>
    byReference.has(reference) ? [] : [`${taken[0]?.to} under ${reference}`],
  )

const neverTaken: Find = ({ messages }, { takenByReference }) =>
  messages
    .filter(({ isAccepted, statusRank }) => isAccepted || statusRank >= rank.accepted)
    .filter(({ reference, messageId }) => {
      const taken = takenByReference.get(reference) ?? []
      return !taken.some(({ wamid }) => wamid === messageId)
    })
    .map(show)

/** The provider took it and the row says that nothing was sent: a doubt that nobody would see. */
const hiddenDoubts: Find = ({ messages }, { takenByReference }) =>
  messages
    .filter(({ reference }) => takenByReference.has(reference))
    .filter(({ isAccepted, state }) => !isAccepted && state !== 'in_doubt' && state !== 'unknown')
    .map(show)

const silentDoubts: Find = ({ messages, doubtedIds, activity }) => {
  const announced = new Set(activity.filter(({ subType }) => subType === 'unknown').map(({ messageId }) => messageId))
  return messages
    .filter(({ state }) => state === 'in_doubt' || state === 'unknown')
    .filter(({ id, state }) => !doubtedIds.has(id) || (state === 'unknown' && !announced.has(id)))
    .map(show)
}

const rankOf: Readonly<Record<string, number>> = {
  sent: rank.sent,
  delivered: rank.delivered,
  read: rank.read,
  failed: rank.failed,
}

const notStored: Find = ({ told, stored }) => [
  ...new Set(told.map(({ wamid, status }) => `${wamid} ${status}`).filter((key) => !stored.has(key))),
]

const unapplied: Find = ({ told, openReports, openReplies }, { byReference, referenceOfWamid }) => {
  const reports = told.filter(({ status }) => status !== 'reply')
  const behind = reports.flatMap(({ wamid, status }) => {
    const message = byReference.get(referenceOfWamid.get(wamid) ?? '')
    if (message && message.statusRank >= (rankOf[status] ?? 0)) return []
    return [`${status} of ${wamid}: ${message ? `${show(message)} has rank ${message.statusRank}` : 'no message'}`]
  })
  const open = [`${openReports} reports wait`, `${openReplies} replies wait`].filter((line) => !line.startsWith('0 '))
  return [...new Set(behind), ...open]
}

const unfinished: Find = ({ messages }) =>
  messages.filter(({ state }) => ['sending', 'queued', 'waiting'].includes(state)).map(show)

const ended: ReadonlySet<string> = new Set(['unknown', 'failed', 'expired', 'in_doubt'])

/** A customer who was asked for a date can only choose one if the question reached the provider. */
const decisions: Find = ({ events, messages, accepted, ndr }) => {
  const calls = groupBy(ndr, ({ body }) => String(body.customerPhone))
  const reached = new Set(accepted.map(({ to }) => `+${to}`))
  const brokenOff = new Set(
    messages.filter(({ rootId, state }) => rootId !== null && ended.has(state)).map(({ phone }) => phone),
  )
  const tapping = events.filter(({ tap, phone }) => tap && reached.has(phone))
  const wrong = tapping.flatMap(({ phone, tap }) => {
    const count = calls.get(phone)?.length ?? 0
    const isExcused = count === 0 && tap === 'Select new delivery date' && brokenOff.has(phone)
    return count === 1 || isExcused ? [] : [`${phone} tapped ${tap}: ${count} decisions`]
  })
  const silent = new Set(events.filter(({ tap }) => tap === undefined).map(({ phone }) => phone))
  return [...wrong, ...[...calls.keys()].filter((phone) => silent.has(phone)).map((phone) => `${phone} never tapped`)]
}

const unpublished: Find = ({ activity, published }) =>
  activity
    .filter(({ eventId, isPublished }) => !isPublished || !published.has(eventId))
    .map(({ eventId, subType, messageId }) => `${subType} of message ${messageId} (${eventId})`)

const differingBodies: Find = ({ published, activity }) => {
  const subTypes = new Map(activity.map(({ eventId, subType, messageId }) => [eventId, `${subType} of ${messageId}`]))
  return [...published].flatMap(([id, { bodies }]) =>
    bodies.size > 1 ? [`${id} (${subTypes.get(id)}): ${bodies.size} bodies`] : [],
  )
}

const unknownEvents: Find = ({ published, activity }) => {
  const known = new Set(activity.map(({ eventId }) => eventId))
  return [...published.keys()].filter((id) => !known.has(id))
}

/** Only repeats may come after what follows them; numbers begin with 1 and leave no gap. */
const misordered: Find = ({ published, activity }) => {
  const rows = new Map(activity.map((row) => [row.eventId, row]))
  const came = new Map<number, number[]>()
  for (const id of published.keys()) {
    const { rootId = null, sequence = 0 } = rows.get(id) ?? {}
    if (rootId !== null) came.set(rootId, [...(came.get(rootId) ?? []), sequence])
  }
  return [...came].flatMap(([rootId, numbers]) =>
    numbers.some((number, index) => number !== index + 1) ? [`${rootId}: ${numbers.join(', ')}`] : [],
  )
}

const leftovers: Find = ({ depths }) =>
  Object.entries(depths).flatMap(([queue, depth]) => (depth > 0 ? [`${depth} in ${queue}`] : []))

const crashes: Find = ({ log, unexpectedEnds }) => [
  ...unexpectedEnds,
  ...log.filter(({ level }) => level >= 60).map(({ text }) => text),
]

const rules: Readonly<Record<string, Find>> = {
  'events lost': lostEvents,
  'events with the wrong outcome': wrongOutcomes,
  'recipients with several first messages': severalRows,
  'messages accepted twice, not marked possible_duplicate': takenTwice,
  'messages accepted that no row knows': takenFromNobody,
  'messages said accepted that the provider never took': neverTaken,
  'messages accepted that the row calls not sent': hiddenDoubts,
  'doubts without ledger row or activity event': silentDoubts,
  'reports or replies answered 200 and not stored': notStored,
  'reports or replies answered 200 and not applied': unapplied,
  'messages left queued, waiting or sending': unfinished,
  'decisions without exactly one NDR notification': decisions,
  'activity events not published': unpublished,
  'activity events published with different bodies': differingBodies,
  'activity events published that no row knows': unknownEvents,
  'conversations whose activity events came out of order': misordered,
  'queue leftovers': leftovers,
  'crashes, fatal lines and other noise in the logs': crashes,
}
