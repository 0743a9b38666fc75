/** The story of one send: call the provider once, write down how it ended, whatever it takes. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, forProvider, webhookUrlOf } from '../accounts/connections.ts'
import type { ProviderAdapter, SendOutcome } from '../contract/provider.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Batcher } from '../storage/batcher.ts'
import { isUniqueViolation } from '../storage/database-errors.ts'
import type { Breaker } from './breaker.ts'
import type { KeptMessage } from './keep-for-morning.ts'
import { attemptReference, type ClaimedMessage } from './outgoing-message.ts'
import type { Permit } from './permission.ts'
import type { React } from './react.ts'
import type { EndedAttempt, Recorded } from './record-attempt.ts'

export interface SendDeps {
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly adapter: (provider: string) => ProviderAdapter
  /** What of it the customer's side allows, decided right before the call. */
  readonly permit: Permit
  /** Until when it waits because it is quiet where the recipient lives; undefined = it does not. */
  readonly morning: (message: ClaimedMessage) => Promise<Date | undefined>
  /** Puts what was not called among what waits for that morning; must not reject. */
  readonly keep: (message: KeptMessage) => Promise<void>
  /** Base of links to ourselves. */
  readonly publicUrl: () => string
  /** Group commit of {@link recordAttempts}. */
  readonly record: Batcher<EndedAttempt, Recorded>
  /** What an outcome means for others than its message, once it is written down. */
  readonly react: React
  /** Counts an accepted message for its template. */
  readonly countSent: (templateId: number | undefined) => void
  readonly now: () => Date
  readonly log: Logger
  readonly metrics: Metrics
}

export type SendMessage = (
  message: ClaimedMessage,
  breaker: Breaker,
  onAnswered: (outcome: SendOutcome) => void,
) => Promise<void>

/** The message is claimed and committed; from here on it is called exactly once. */
export function createSendMessage(deps: SendDeps): SendMessage {
  return async (message, breaker, onAnswered) => {
    const startedAt = deps.now()
    const sender = await deps.connection(message.connectionId).catch(() => undefined)
    const outcome = await callOnce(deps, message, sender, breaker)
    if ('morning' in outcome) return deps.keep({ id: message.id, attempt: message.attempt, morning: outcome.morning })
    onAnswered(outcome)
    const template = message.content.type === 'template' ? message.content.template : undefined
    const attempt = { messageId: message.id, attempt: message.attempt, connectionId: message.connectionId, template }
    const recorded = await recordForSure(deps, message, { outcome, ...attempt, startedAt, finishedAt: deps.now() })
    await deps.react(message, outcome, recorded, sender)
    report(deps, message, outcome, { startedAt, provider: sender?.provider })
  }
}

async function callOnce(
  deps: SendDeps,
  message: ClaimedMessage,
  sender: Connection | undefined,
  breaker: Breaker,
): Promise<SendOutcome | { readonly morning: Date }> {
  if (!sender) return notCalled('the sender connection could not be read')
  if (sender.state === 'deleted') return notCalled('the sender connection was deleted')
  const permission = await deps.permit(message, sender).catch(() => undefined)
  if (!permission) return notCalled('what may be sent to the recipient could not be read')
  if ('refusal' in permission) return { outcome: 'refused', failure: permission.refusal }
  const morning = await deps.morning(message).catch(() => 'unknown' as const)
  if (morning === 'unknown') return notCalled('the quiet hours of the account could not be read')
  if (morning) return { morning }
  // Too late: somebody else may hold it for lost already.
  if (performance.now() > message.callBefore) return notCalled('the process stood still between claim and call')
  return breaker.run(() => callProvider(deps, { ...message, content: permission.content }, sender))
}

async function callProvider(
  { adapter, publicUrl }: SendDeps,
  message: ClaimedMessage,
  owner: Connection,
): Promise<SendOutcome> {
  try {
    return await adapter(owner.provider).send(
      {
        ...(message.customerPhone ? { phone: message.customerPhone } : {}),
        ...(message.customerUserId ? { userId: message.customerUserId } : {}),
        ...(message.contextMessageId ? { contextMessageId: message.contextMessageId } : {}),
        content: message.content,
        reference: attemptReference(message.reference, message.attempt),
        reportUrl: webhookUrlOf(owner, publicUrl()),
      },
      forProvider(owner),
    )
  } catch (error) {
    // Nobody knows how far it came.
    return { outcome: 'in_doubt', failure: { code: 'answer_unreadable', detail: String(error) } }
  }
}

/** Provably not sent: the provider was not called. */
const notCalled = (detail: string): SendOutcome => ({
  outcome: 'refused',
  failure: { code: 'not_called', detail: `not called: ${detail}` },
})

/** An answer whose id was given to another message before says nothing about this one. */
const idOfAnother: SendOutcome = {
  outcome: 'in_doubt',
  failure: { code: 'answer_unreadable', detail: 'the provider answered with the id of another message' },
}

const firstRetryMs = 200
const lastRetryMs = 5_000
/** About an hour: far longer than a database restart, and after it the message is found in doubt by its lease. */
const maxTries = 720

/** An outcome that is known must not be lost because the database is away: it is kept and tried until it is written. */
async function recordForSure(
  { record, log }: SendDeps,
  message: ClaimedMessage,
  attempt: EndedAttempt,
): Promise<Recorded | undefined> {
  let ended = attempt
  for (let tries = 1, waitMs = firstRetryMs; tries <= maxTries; tries++, waitMs = Math.min(waitMs * 2, lastRetryMs)) {
    try {
      return await record.add(ended)
    } catch (error) {
      if (isUniqueViolation(error)) ended = { ...ended, outcome: idOfAnother }
      log.warn({ err: error, ...idsOf(message) }, 'outcome of a send could not be stored yet')
      await sleep(waitMs)
    }
  }
  // The vendor's words and id of the message may tell who the recipient is.
  log.error({ ...idsOf(message), outcome: ended.outcome.outcome }, 'outcome of a send was given up')
  return undefined
}

/** What follows a message through the logs; never the provider's id of it, in which the recipient's number is encoded. */
const idsOf = ({ conversationId, id, reference, attempt }: ClaimedMessage) => ({
  conversationId: String(conversationId),
  messageId: id,
  reference,
  attempt,
})

function report(
  { countSent, now, log, metrics }: SendDeps,
  message: ClaimedMessage,
  outcome: SendOutcome,
  { startedAt, provider = 'none' }: { readonly startedAt: Date; readonly provider: string | undefined },
): void {
  metrics.sends.inc({ provider, outcome: outcome.outcome })
  metrics.sendSeconds.observe({ provider }, (now().getTime() - startedAt.getTime()) / 1000)
  const facts = { connectionId: message.connectionId, ...idsOf(message) }
  if (outcome.outcome === 'accepted') {
    countSent(message.templateId)
    metrics.connectionSends.inc({ connection: String(message.connectionId) })
    log.debug(facts, 'message accepted')
  } else {
    // The vendor's words may name a person; they are on the message.
    const { code, vendorCode } = outcome.failure
    metrics.sendFailures.inc({ provider, failure: code })
    log.info({ ...facts, outcome: outcome.outcome, failure: code, vendorCode }, 'message not accepted')
  }
}
