/** Decisions of customers in a database, and what pushes them, without the rest of a gateway. */

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createActivityStore } from '../../src/core/activity/activity-store.ts'
import { createNdrStore, type NdrDraft, type NdrStore } from '../../src/core/conversations/ndr-store.ts'
import { createDecisionPusher, type PushDeps } from '../../src/core/conversations/push-decisions.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { createOutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { createHttpClient } from '../../src/providers/shared/http-client.ts'
import { createStorage, type Storage } from './world.ts'

export interface DecisionRow {
  readonly id: number
  readonly state: string
  readonly attempts: number
  readonly handed_over: number
  readonly response: string | null
  readonly request: string
}

export interface DecisionStage {
  readonly database: Database
  readonly store: NdrStore
  /** Stores decisions, each with a first message of its own, in this order. */
  decide(drafts: readonly NdrDraft[], now: Date): Promise<void>
  /** A pusher that works until it is stopped; leases that end are looked for by the test itself. */
  startPusher(options: PusherOptions): { stop(): Promise<void> }
  pusher(options: PusherOptions): ReturnType<typeof createDecisionPusher>
  rows(): Promise<DecisionRow[]>
  clear(): Promise<void>
  close(): Promise<void>
}

export interface PusherOptions extends Partial<PushDeps> {
  readonly baseUrl: string
  readonly now: () => Date
  /** How often it looks. */
  readonly everyMs?: number
  /** Deadline of a call. */
  readonly totalMs?: number
}

let nextShipment = 50_000_000

/** A decision about a shipment of its own, unless told otherwise. */
export function aDecision(changes: { shipmentId?: number; accountId?: number; action?: 'reattempt' | 'cancel' } = {}) {
  const { shipmentId = nextShipment++, accountId = 379, action = 'reattempt' } = changes
  const draft: NdrDraft = {
    rootId: 0,
    accountId,
    actionTaken: 'Reattempt',
    replyMessageId: `wamid.${randomBytes(8).toString('hex')}`,
    request: {
      idempotencyKey: `ndr:${randomBytes(16).toString('base64url')}`,
      source: 'whatsapp',
      accountSlug: 'acme-store',
      shipmentId,
      trackingID: '1704612602165',
      externalShipmentID: '4980116095129-90758',
      action,
      customerPhone: '+919810012345',
      remarks: 'Chosen by the customer on WhatsApp',
      decidedAt: '2026-11-20T06:30:00.000Z',
    },
  }
  return draft
}

export async function prepareDecisions(kind: Storage): Promise<DecisionStage> {
  const storage = await createStorage(kind)
  const database = openDatabase({ url: storage.url })
  await migrate(database)
  const store = createNdrStore(database)
  const outgoing = createOutgoingStore(database)
  const activity = createActivityStore({ database, hasBroker: false })

  const roots = async (count: number, now: Date): Promise<number[]> => {
    const drafts = Array.from({ length: count }, () => rootDraft(now))
    const inserted = await database.transaction((tx) => outgoing.insert(tx, drafts, now))
    return inserted.map(({ id }) => id)
  }
  const pusher = ({ totalMs = 5_000, ...options }: PusherOptions) =>
    createDecisionPusher({
      database,
      store,
      outgoing,
      activity,
      http: createHttpClient({ connectMs: 2_000, totalMs, maxBytes: 1024 * 1024 }),
      wake: () => {},
      random: Math.random,
      log: createLogger(process.env.TEST_LOG_LEVEL ?? 'silent'),
      metrics: createMetrics(),
      ...options,
    })
  return {
    database,
    store,
    async decide(drafts, now) {
      const ids = await roots(drafts.length, now)
      const rooted = drafts.map((draft, index) => ({ ...draft, rootId: ids[index] ?? 0 }))
      await database.transaction((tx) => store.insert(tx, rooted, now))
    },
    pusher,
    startPusher({ everyMs = 5, ...options }) {
      const pushing = pusher(options)
      let isStopped = false
      const loop = async () => {
        while (!isStopped) {
          if ((await pushing.pushDue()) === 0) await sleep(everyMs)
        }
        await pushing.drain()
      }
      const running = loop()
      return {
        stop() {
          isStopped = true
          return running
        },
      }
    },
    rows: () =>
      database.select('SELECT id, state, attempts, handed_over, response, request FROM ndr_actions ORDER BY id'),
    async clear() {
      for (const table of ['ndr_actions', 'wa_outgoing_messages', 'activity_events']) {
        await database.write(`DELETE FROM ${table}`)
      }
    },
    async close() {
      await database.close()
      await storage.drop()
    },
  }
}

const rootDraft = (now: Date) => ({
  reference: randomBytes(16).toString('base64url'),
  accountId: 379,
  kind: 'fdr',
  idempotencyKey: randomBytes(16).toString('hex'),
  connectionId: 1,
  customerPhone: '+919810012345',
  content: { type: 'text' as const, text: 'x' },
  snapshot: { customerName: 'Asha Nair', orderNumber: '#98079' },
  route: { connectionId: 1, why: 'test' },
  state: 'queued' as const,
  dueAt: now,
})
