/** What the outcome of one send means for everything but its message: pace, pauses, and who goes on. */

import { isDeepStrictEqual } from 'node:util'
import type { Connection, ConnectionStore } from '../accounts/connections.ts'
import { type FailureCode, failureKind, failureKinds } from '../contract/failures.ts'
import type { SendOutcome } from '../contract/provider.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Lanes } from './lanes.ts'
import { attemptReference, type ClaimedMessage } from './outgoing-message.ts'
import { recipientOf } from './outgoing-rows.ts'
import type { Recorded } from './record-attempt.ts'

export interface ReactDeps {
  readonly connections: Pick<ConnectionStore, 'get' | 'pause' | 'noteKeptReference'>
  readonly lanes: () => Pick<Lanes, 'pause' | 'wake' | 'holdBack'>
  /** A message was taken through this connection, as it was then. */
  readonly taken: (sender: Connection) => Promise<void>
  /** The provider says that this recipient wants no marketing messages from the owner of this connection. */
  readonly optedOut: (message: ClaimedMessage, sender: Connection) => Promise<void>
  readonly now: () => Date
  readonly log: Logger
  readonly metrics: Metrics
}

/** What pausing a connection takes. */
type PauseDeps = Omit<ReactDeps, 'now' | 'optedOut' | 'taken' | 'connections'> & {
  readonly connections: Pick<ConnectionStore, 'pause'>
}

export type Brake = (connectionId: number, outcome: SendOutcome) => void

/** What an answer means for the calls that would come next; at once, since writing it down takes time. */
export const createBrake =
  (lanes: () => Pick<Lanes, 'pause' | 'slowDown'>): Brake =>
  (connectionId, outcome) => {
    if (outcome.outcome !== 'refused') return
    const kind = failureKind(outcome.failure.code)
    if (kind.class === 'refused_account') lanes().pause(connectionId)
    if (kind.class === 'throttled' && kind.scope === 'connection') {
      lanes().slowDown(connectionId, outcome.failure.retryAfterMs)
    }
  }

/** @param sender the connection as it was when the call was made */
export type React = (
  message: ClaimedMessage,
  outcome: SendOutcome,
  recorded: Recorded | undefined,
  sender: Connection | undefined,
) => Promise<void>

export const createReact =
  ({ connections, lanes, taken, optedOut, now, log, metrics }: ReactDeps): React =>
  async (message, outcome, recorded, sender) => {
    const { connectionId } = message
    if (recorded?.fallback) await lanes().wake(recorded.fallback.connection.id)
    const { state, dueAt } = recorded?.change ?? {}
    if (state === 'waiting' && dueAt)
      lanes().holdBack(connectionId, recipientOf(message), dueAt.getTime() - now().getTime())
    if (outcome.outcome === 'accepted') {
      await noteKeptReference({ connections, now }, message, outcome, sender)
      if (sender) await taken(sender)
    }
    if (outcome.outcome !== 'refused') return
    const { code, vendorCode } = outcome.failure
    // Without a code of the vendor's it was not asked.
    if (code === 'recipient_opted_out' && vendorCode && sender) await optedOut(message, sender)
    if (failureKind(code).class !== 'refused_account') return
    const current = await connections.get(connectionId).catch(() => undefined)
    // Refused with credentials that have been replaced since: says nothing about the new ones.
    if (sender && current && !isDeepStrictEqual(sender.credentials, current.credentials))
      return lanes().wake(connectionId)
    // Whoever woke it meanwhile did not know yet.
    lanes().pause(connectionId)
    await pauseConnection({ connections, lanes, log, metrics }, connectionId, code)
  }

/** Of many that are told, one is remembered: to be asked for beside a message that may not be there. */
const rememberEveryMs = 10 * 60_000

async function noteKeptReference(
  { connections, now }: Pick<ReactDeps, 'connections' | 'now'>,
  { reference, attempt }: ClaimedMessage,
  { isReferenceKept }: Accepted,
  sender: Connection | undefined,
): Promise<void> {
  if (!sender || isReferenceKept === undefined) return
  const known = sender.keptReference
  const isOld = known !== undefined && now().getTime() - known.at.getTime() > rememberEveryMs
  const isNews = isReferenceKept ? !known || isOld : known !== undefined
  if (!isNews) return
  const kept = isReferenceKept ? attemptReference(reference, attempt) : undefined
  await connections.noteKeptReference(sender, kept).catch(() => {})
}

type Accepted = Extract<SendOutcome, { outcome: 'accepted' }>

/**
 * Pauses a connection that cannot send until somebody mends it.
 * @param seenAt when the fault showed, for news that comes late
 */
export async function pauseConnection(
  { connections, lanes, log, metrics }: PauseDeps,
  connectionId: number,
  code: FailureCode,
  seenAt?: Date,
): Promise<void> {
  // Many calls may come back with the same news; one of them changes the state, and only that one alerts.
  if (!(await connections.pause(connectionId, code, seenAt).catch(() => false))) return
  lanes().pause(connectionId)
  metrics.connectionsPaused.inc({ reason: code })
  log.error({ connectionId, reason: code }, 'connection paused: it needs somebody to mend it; its messages wait')
}

/** What made messages wait for their connection to be mended. */
export const accountFailures = (Object.keys(failureKinds) as FailureCode[]).filter(
  (code) => failureKind(code).class === 'refused_account',
)
