/** Writes down how pushes of decisions ended; a refusal is a failure that the consumers of activity events learn of. */

import { type ActivityRecord, activityRecord } from '../activity/activity-event.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { Executor } from '../storage/database.ts'
import type { ClaimedNdr, NdrOutcome } from './ndr-store.ts'
import type { PushDeps } from './push-decisions.ts'

export interface EndedPush {
  readonly action: ClaimedNdr
  readonly outcome: NdrOutcome
}

type RecordDeps = Pick<PushDeps, 'database' | 'store' | 'outgoing' | 'activity' | 'now' | 'log' | 'metrics'>

/** One transaction for the group. Who lost its claim meanwhile changes nothing. */
export async function recordPushes(deps: RecordDeps, ended: readonly EndedPush[]): Promise<undefined[]> {
  const { database, store, activity, now } = deps
  const failures = await database.transaction(async (tx) => {
    const failed = await refusals(deps, tx, ended)
    await store.record(
      tx,
      ended.map(({ outcome }) => outcome),
      now(),
    )
    if (failed.length > 0) await activity.insert(tx, failed, now())
    return failed.length
  })
  if (failures > 0) activity.committed()
  for (const end of ended) report(deps, end)
  return ended.map(() => undefined)
}

/** The first messages are held before the decisions, as everywhere. */
async function refusals(deps: RecordDeps, tx: Executor, ended: readonly EndedPush[]): Promise<ActivityRecord[]> {
  const refused = ended.filter(({ outcome }) => outcome.state === 'refused')
  if (refused.length === 0) return []
  const roots = await deps.outgoing.lock(
    tx,
    refused.map(({ action }) => action.rootId),
  )
  const held = await deps.store.held(
    tx,
    refused.map(({ action }) => action.token),
  )
  return refused.flatMap((end) => {
    const root = roots.get(end.action.rootId)
    return root && held.has(end.action.token) ? [refusalActivity(root, end, deps.now())] : []
  })
}

/** What the courier side said, as far as a reader can use it. */
const shownAnswer = 300

/**
 * `failed` with `action_taken`: the decision failed and not a message. It is about the customer's reply, so it lacks
 * `isRootMessage`, by which consumers know the failure of a first message.
 */
function refusalActivity(root: OutgoingRecord, { action, outcome }: EndedPush, at: Date): ActivityRecord {
  const { request, attempt } = action
  const answer = outcome.response?.trim().slice(0, shownAnswer)
  return activityRecord(root, {
    eventSubType: 'failed',
    at,
    // One that an operator pushes again may be refused once more.
    discriminator: `${request.idempotencyKey}/${attempt}`,
    failureReason: `The courier side refused the decision: HTTP ${outcome.responseStatus}${answer ? ` ${answer}` : ''}`,
    reply: { messageId: action.replyMessageId ?? '' },
    details: {
      action_taken: action.actionTaken ?? request.action,
      ...(request.deferredDate ? { deferredDate: request.deferredDate } : {}),
    },
  })
}

function report({ log, metrics }: RecordDeps, { action, outcome }: EndedPush): void {
  const { state, responseStatus: status, attempts } = outcome
  metrics.ndrCalls.inc({ result: state })
  const conversationId = String(action.rootId)
  const facts = {
    conversationId,
    actionId: action.id,
    idempotencyKey: action.request.idempotencyKey,
    state,
    status,
    attempts,
  }
  if (state === 'refused') log.warn(facts, 'decision refused by the courier side')
  else log.info(facts, 'decision pushed')
}
