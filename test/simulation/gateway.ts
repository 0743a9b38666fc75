/**
 * One process of the gateway: the real stories and stores, put together as `core/core.ts` does it, over fakes of
 * database, broker and provider. Only what is no part of the protocol is left out (settings, templates, replies).
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { createActivityStore } from '../../src/core/activity/activity-store.ts'
import { type PublishDeps, publishActivity } from '../../src/core/activity/publish-activity.ts'
import { createConsentStore } from '../../src/core/contacts/consent-store.ts'
import { createObeyWishes } from '../../src/core/contacts/obey-wishes.ts'
import type { InboundEvent } from '../../src/core/contract/events.ts'
import type { ProviderAdapter } from '../../src/core/contract/provider.ts'
import { applyReports } from '../../src/core/inbound/apply-reports.ts'
import { createContactNewsStore } from '../../src/core/inbound/contact-news-store.ts'
import { createInboundStore } from '../../src/core/inbound/inbound-store.ts'
import { receiveWebhooks, type VerifiedWebhook } from '../../src/core/inbound/receive.ts'
import { acceptAll, type EventResult, parkUnstorable } from '../../src/core/notifications/accept-event.ts'
import type { Ask } from '../../src/core/notifications/decision.ts'
import { recipientOptedOut } from '../../src/core/notifications/gates/recipient-opted-out.ts'
import { shipmentEnded } from '../../src/core/notifications/gates/shipment-ended.ts'
import { createRejectedEvents } from '../../src/core/notifications/rejected-events.ts'
import { type Claim, createOutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { createPermit } from '../../src/core/sending/permission.ts'
import { accountFailures, createBrake, createReact } from '../../src/core/sending/react.ts'
import { type EndedAttempt, type Recorded, recordAttempts } from '../../src/core/sending/record-attempt.ts'
import type { Resolution } from '../../src/core/sending/resolve-by-hand.ts'
import { createSendMessage } from '../../src/core/sending/send-message.ts'
import { sweepExpired } from '../../src/core/sending/sweep.ts'
import { sweepDoubts } from '../../src/core/sending/sweep-doubts.ts'
import { sweepUndelivered } from '../../src/core/sending/sweep-undelivered.ts'
import { createBatcher } from '../../src/core/storage/batcher.ts'
import type { Database } from '../../src/core/storage/database.ts'
import { createLease } from '../../src/core/storage/lease.ts'
import { whenBack } from '../../src/core/storage/when-back.ts'
import { canCarry, isTemplateUsable, noPolls } from '../support/plain-provider.ts'
import type { Broker, Delivery, Taker } from './fakes/broker.ts'
import type { Connections } from './fakes/connections.ts'
import { createDecide } from './fakes/events.ts'
import { createFleet, type Fleet } from './fleet.ts'
import type { Mutation } from './mutants.ts'
import { silentLog, uncounted } from './quiet.ts'
import type { Random } from './random.ts'
import type { Owner, Scheduler } from './scheduler.ts'
import type { Weather } from './weather.ts'
import { createWorker } from './worker.ts'

export interface GatewayDeps {
  readonly owner: Owner
  readonly database: Database
  readonly broker: Broker
  readonly adapter: ProviderAdapter
  readonly connections: Connections
  readonly scheduler: Scheduler
  readonly random: Random
  readonly weather: Weather
  readonly mutation: Mutation
}

export interface Gateway extends Taker {
  /** A webhook: answers whether it was a 200. */
  webhook(events: readonly InboundEvent[], answer: (isOk: boolean) => void): void
  /** Looks for everything that is due. */
  sweep(): void
  /** Somebody has stored a new token of this connection. */
  mended(connectionId: number): void
  /** Somebody has decided about a message whose fate is not known. */
  resolve(messageId: number, resolution: Resolution): void
  /** Somebody wants no messages, since `at`; `done` once that is committed. */
  stop(phone: string, at: Date, done: () => void): void
}

const giveBackMs = 60_000

export function createGateway(deps: GatewayDeps): Gateway {
  const { owner, database, connections, scheduler, random, mutation, weather } = deps
  const { now } = scheduler
  const common = {
    polls: noPolls,
    canCarry,
    isTemplateUsable,
    database,
    now,
    log: silentLog,
    metrics: uncounted,
    connection: connections.get,
  }
  const store = mutation.outgoing(createOutgoingStore(database), database)
  const activity = mutation.activity(createActivityStore({ database, hasBroker: true }), database, now)
  const inbound = mutation.inbound(createInboundStore(database))
  const rejected = createRejectedEvents(database)

  const recording = { ...common, store: mutation.outgoingOfOutcomes(store), activity, random: random.next }
  const record = createBatcher<EndedAttempt, Recorded>({ flush: (ended) => recordAttempts(recording, ended) })
  const consents = createConsentStore(database)
  const obeyWishes = createObeyWishes({ consents, outgoing: store })
  const permit = createPermit({
    consents: (addresses) => consents.read(database, addresses),
    find: async (wanted) => wanted.map(() => undefined),
    replaceContent: async () => {},
    serviceWindowMs: () => undefined,
    templateUse: async () => 'usable',
    now,
  })
  const giveBack = (claims: readonly Claim[]) => whenBack(giveBackMs, () => store.giveBack(claims, now()))
  const fleet: Fleet = createFleet({
    connections,
    pauses: mutation.pauses,
    now,
    claim: store.claim,
    giveBack,
    brake: createBrake(() => fleet),
    send: createSendMessage({
      ...common,
      adapter: () => mutation.adapter(deps.adapter),
      permit: mutation.asksConsent ? permit : async ({ content }) => ({ content }),
      record,
      react: createReact({
        ...common,
        connections,
        lanes: () => fleet,
        taken: async () => {},
        optedOut: async () => {},
      }),
      morning: async () => undefined,
      keep: async () => {},
      countSent: () => {},
      publicUrl: () => 'http://gateway.example',
    }),
  })

  const decide = createDecide({ connections, random, now })
  const accepting = {
    database,
    gates: [shipmentEnded, recipientOptedOut(consents)],
    outgoing: store,
    rejected,
    endConversations: async () => {},
    reserve: fleet.reserve,
    wake: fleet.wake,
    giveBack,
    now,
  }
  const events = createBatcher<Ask, EventResult>({ flush: (asks) => acceptAll(accepting, asks) })
  const accept = (body: Buffer) =>
    events.add(() => decide(body)).catch((error) => parkUnstorable(accepting, body, error))
  const contactNews = createContactNewsStore(database)
  const silent = () => {}
  const receiving = {
    ...common,
    store: inbound,
    contactNews,
    bells: { reports: silent, replies: silent, contactNews: silent, accountNews: silent },
    connectionEvents: noNews,
    rejected,
  }
  const webhooks = createBatcher<VerifiedWebhook, undefined>({
    flush: (group) => receiveWebhooks(receiving, group),
  })

  const applying = {
    ...common,
    store: inbound,
    outgoing: mutation.outgoingOfReports(store),
    activity,
    consents,
    noteEcho: connections.noteEcho,
    lifetimeMs: () => lifetimeMs,
    settings: async () => settingsOf(weather),
    wake: () => {},
    accountFailed: () => {},
  }
  const doubting = {
    ...common,
    store,
    activity,
    settings: async () => settingsOf(weather),
    echoesReference: () => true,
    lookUp: async () => undefined,
  }
  const publishing = mutation.publishing({
    activity,
    lease: createLease({ database, name: 'publish_activity', now }),
    publish: (event) => publish(deps, event.eventId),
    now,
  })
  const reports = createWorker(() => applyReports(applying))
  const publisher = createWorker(() => publishDue(publishing))
  const sweeper = createWorker(async () => {
    await mutation.sweepLostSends(recording)
    await sweepExpired(recording)
    await sweepDoubts(doubting)
    await sweepUndelivered({ ...common, store, activity, lifetimeMs: async () => lifetimeMs })
    for (const id of await store.connectionsWithDue(now())) fleet.wake(id)
    return 0
  })
  activity.onCommitted(publisher.wake)

  return {
    owner,
    take: (delivery) => void take(accept, delivery, mutation),
    webhook: (received, answer) =>
      void handle(
        () => webhooks.add({ connections: connections.all(), related: [], events: received }),
        answerOf(deps, answer),
        mutation,
      ).then(reports.wake),
    sweep() {
      for (const worker of [sweeper, reports, publisher]) worker.wake()
    },
    mended: (id) =>
      // What this does not reach is found by a sweep.
      void store.releaseWaiting(id, accountFailures, now()).then(
        () => fleet.wake(id),
        () => {},
      ),
    stop(phone, at, done) {
      const wish = { accountId: 1, address: { phone }, topic: 'all', isWanted: false, at, by: 'word' } as const
      void database.transaction((tx) => obeyWishes(tx, [wish], now())).then(done, () => {})
    },
    resolve: (id, resolution) =>
      void mutation.resolveByHand({ ...common, store, activity }, id, resolution, 'operator').catch(() => {}),
  }
}

/** Nothing but the margin for late reports: a day has many hours, and each costs. */
const lifetimeMs = 0

/** The provider of the simulation tells of messages only. */
const noNews = {
  insert: async () => {},
  due: async () => [],
  settle: async () => {},
  list: async () => [],
}

const settingsOf = ({ policy }: Weather) => ({
  accountId: 1,
  accountSlug: undefined,
  isWhatsappEnabled: true,
  connectionId: undefined,
  defaultCountry: 'IN',
  timezone: 'Asia/Kolkata',
  chosenTimezone: undefined,
  languages: ['en'],
  templates: {},
  support: {},
  quietHours: undefined,
  guards: undefined,
  inDoubtPolicy: policy,
  fallbackOnFailed: false,
  portalUrl: undefined,
  flows: undefined,
})

/** As `consumers/queue-consumer.ts`: held and tried again until it is committed, then acknowledged. */
async function take(accept: (body: Buffer) => Promise<EventResult>, delivery: Delivery, { acksFirst }: Mutation) {
  if (acksFirst) delivery.ack()
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      await accept(delivery.body)
      return acksFirst || delivery.ack()
    } catch {
      await sleep(waitMs)
    }
  }
}

const answerOf =
  ({ scheduler, owner }: GatewayDeps, answer: (isOk: boolean) => void) =>
  (isOk: boolean) =>
    void scheduler.after(1, isOk ? '200' : '503', () => answer(isOk), owner)

/** As `http/handlers/webhooks.ts`: nothing is answered 200 that is not stored. */
async function handle(store: () => Promise<unknown>, answer: (isOk: boolean) => void, { answersFirst }: Mutation) {
  if (answersFirst) answer(true)
  const isStored = await store().then(
    () => true,
    () => false,
  )
  if (!answersFirst) answer(isStored)
}

const confirmMs = 10_000

/** As `consumers/activity-publisher.ts`. */
async function publishDue(deps: PublishDeps): Promise<number> {
  const { found, confirmed } = await publishActivity(deps)
  return confirmed === found ? found : 0
}

const publish = ({ broker }: GatewayDeps, eventId: string) =>
  new Promise<boolean>((resolve) => {
    const timeout = setTimeout(() => resolve(false), confirmMs)
    broker.keep(eventId, () => {
      clearTimeout(timeout)
      resolve(true)
    })
  })
