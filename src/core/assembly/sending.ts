/** Sending, put together: lanes and what stands around one call. */

import type { Connection } from '../accounts/connections.ts'
import { createTaken } from '../accounts/number-proof.ts'
import { marketingRefusal } from '../contacts/consent.ts'
import type { FailureCode } from '../contract/failures.ts'
import type { CoreOptions } from '../core.ts'
import type { ChangedConnection } from '../inbound/apply-account-news.ts'
import { uselessFailure } from '../notifications/morning.ts'
import { createBalance } from '../observe/balance.ts'
import { endWaiting } from '../sending/end-waiting.ts'
import { type KeptMessage, keepForMorning } from '../sending/keep-for-morning.ts'
import { createLanes } from '../sending/lanes.ts'
import { createLookUp } from '../sending/look-up-doubts.ts'
import type { ClaimedMessage } from '../sending/outgoing-message.ts'
import { type Claim, giveBackMs } from '../sending/outgoing-store.ts'
import { createPermit } from '../sending/permission.ts'
import { accountFailures, createBrake, createReact, pauseConnection } from '../sending/react.ts'
import { type EndedAttempt, type Recorded, recordAttempts } from '../sending/record-attempt.ts'
import { createReplicas } from '../sending/replicas.ts'
import { type Resolution, resolveByHand } from '../sending/resolve-by-hand.ts'
import { createSendMessage } from '../sending/send-message.ts'
import { sweepExpired, sweepLostSends } from '../sending/sweep.ts'
import { sweepDoubts } from '../sending/sweep-doubts.ts'
import { sweepUndelivered } from '../sending/sweep-undelivered.ts'
import { createBatcher } from '../storage/batcher.ts'
import { whenBack } from '../storage/when-back.ts'
import type { Foundation } from './foundation.ts'

const noPairLimit = { everyMs: 0, burst: 1 }
/** Outcomes, two groups of them. */
const mostUnstored = 128

export function createSending(options: CoreOptions, foundation: Foundation) {
  const { database, now, random, log, metrics } = options
  const {
    templates,
    providerById,
    capabilities,
    canCarry,
    templateUse,
    isTemplateUsable,
    settings,
    connections,
    outgoing,
    activity,
    contacts,
    consents,
    polls,
    lifetimes,
    batchSize,
  } = foundation
  const recording = {
    polls,
    canCarry,
    isTemplateUsable,
    database,
    store: outgoing,
    activity,
    connection: connections.get,
    now,
    random,
  }
  const record = createBatcher<EndedAttempt, Recorded>({
    flush: (ended) => recordAttempts(recording, ended),
    onFlush: batchSize('outcomes'),
  })
  /**
   * Events accepted faster than outcomes are stored would fill the lanes, and what finds a full lane takes the long way
   * through its row: so what was sent is written down first.
   */
  const outcomesKeepUp = () => record.below(mostUnstored)
  const keeping = { database, store: outgoing, useless: uselessFailure, now }
  const kept = createBatcher<KeptMessage, void>({
    async flush(messages) {
      await keepForMorning(keeping, messages)
      return messages.map(() => undefined)
    },
  })
  const permit = createPermit({
    consents: (addresses) => consents.read(database, addresses),
    find: (wanted) => contacts.find(database, wanted),
    replaceContent: (message, content) => outgoing.replaceContent(message, content, now()),
    serviceWindowMs: (provider) => providerById(provider)?.capabilities.serviceWindowMs,
    templateUse,
    now,
  })
  const optedOut = (message: ClaimedMessage, { accountId }: Connection) =>
    database
      .transaction(async (tx) => void (await consents.hear(tx, [marketingRefusal(message, accountId, now())], now())))
      // The next refusal says so again.
      .catch((error) => log.warn({ err: error }, 'an opt-out could not be stored'))
  const taken = createTaken(connections, providerById)
  const reacting = { connections, lanes: () => lanes, taken, optedOut, now, log, metrics }
  const react = createReact(reacting)
  const brake = createBrake(() => lanes)
  const sendMessage = createSendMessage({
    connection: connections.get,
    adapter: options.adapter,
    permit,
    morning: foundation.morning.ofMessage,
    keep: (message) => whenBack(giveBackMs, () => kept.add(message)),
    publicUrl: options.publicUrl,
    record,
    react,
    countSent: templates.countSent,
    now,
    log,
    metrics,
  })
  const replicas = createReplicas(database, now)
  const giveBack = (claims: readonly Claim[]) => whenBack(giveBackMs, () => outgoing.giveBack(claims, now()))
  const balance = createBalance()
  const lanes = createLanes({
    store: outgoing,
    giveBack,
    now,
    send: (message, breaker, onAnswered) => {
      balance.in()
      const sending = sendMessage(message, breaker, (outcome) => {
        // Before the slot is free: the next call would only be refused as well.
        brake(message.connectionId, outcome)
        onAnswered()
      })
      return sending.finally(balance.out)
    },
    connection: connections.get,
    share: replicas.share,
    pairLimitOf: (provider) => providerById(provider)?.pairLimit ?? noPairLimit,
    onBreaker: (connectionId, state) => log.warn({ connectionId, state }, 'circuit breaker'),
    onError: (error) => log.error({ err: error }, 'lane failed'),
  })
  metrics.onScrape(() => {
    const inFlight = lanes.snapshot().reduce((sum, lane) => sum + lane.inFlight, 0)
    // Slots that are reserved and not used yet are no sends.
    metrics.invariantDrift.set({ invariant: 'sends' }, Math.max(0, balance.missing(inFlight)))
  })
  const wake = (connectionId: number) =>
    void lanes.wake(connectionId).catch((error) => log.warn({ err: error }, 'lane could not be woken'))
  const doubts = {
    database,
    store: outgoing,
    activity,
    settings: settings.get,
    connection: connections.get,
    // Reports that are sent only once may be lost: their absence proves nothing.
    echoesReference: (provider: string) => {
      const { echoesReference = false, retriesWebhooks = false } = capabilities({ provider }) ?? {}
      return echoesReference && retriesWebhooks
    },
    lookUp: createLookUp({
      connection: connections.get,
      adapter: options.adapter,
      looksUp: (connection) => capabilities(connection)?.looksUp ?? false,
    }),
    polls,
    log,
    metrics,
    now,
  }
  const connectionMended = async (connectionId: number) => {
    await outgoing.releaseWaiting(connectionId, accountFailures, now())
    await lanes.wake(connectionId)
  }
  const connectionRemoved = async (connectionId: number) => {
    lanes.pause(connectionId)
    await endWaiting(database, connectionId, now())
  }
  const connectionsChanged = async (changes: readonly ChangedConnection[]) => {
    await connections.announce(changes.map(({ connectionId }) => connectionId))
    for (const { connectionId, change } of changes) {
      if (change === 'blocked') lanes.pause(connectionId)
      else if (change === 'released') await connectionMended(connectionId)
      // A lane reads the limits when it is woken.
      else await lanes.wake(connectionId)
    }
  }
  return {
    lanes,
    wake,
    giveBack,
    outcomesKeepUp,
    replicas,
    accountFailed: (connectionId: number, code: FailureCode, seenAt: Date) =>
      void pauseConnection(reacting, connectionId, code, seenAt),
    connectionMended,
    connectionRemoved,
    connectionsChanged,
    async resolveByHand(id: number, resolution: Resolution, actor: string) {
      const resolved = await resolveByHand(doubts, id, resolution, actor)
      if (resolved?.isChanged) metrics.doubts.inc({ resolution: 'by_hand' })
      return resolved
    },
    sweeps: {
      wakeLanes: async () => {
        for (const connectionId of await outgoing.connectionsWithDue(now())) {
          const owner = await connections.get(connectionId).catch(() => undefined)
          // Also what came to wait after the deletion: given back, refused or accepted by who had not heard of it yet.
          if (owner?.state === 'deleted') await endWaiting(database, connectionId, now())
          else wake(connectionId)
        }
        return 0
      },
      lostSends: () => sweepLostSends({ ...recording, log }),
      expired: () => sweepExpired({ ...recording, log }),
      undelivered: () => sweepUndelivered({ database, store: outgoing, activity, lifetimeMs: lifetimes.of, log, now }),
      doubts: () => sweepDoubts(doubts),
    },
  }
}

export type Sending = ReturnType<typeof createSending>
