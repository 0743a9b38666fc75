/**
 * The protocol with one rule broken, each in a way in which somebody might build it. They exist only here: a simulation
 * that does not catch every one of them proves nothing.
 */

import type { ActivityRecord } from '../../src/core/activity/activity-event.ts'
import type { ActivityStore } from '../../src/core/activity/activity-store.ts'
import type { PublishDeps } from '../../src/core/activity/publish-activity.ts'
import type { ProviderAdapter } from '../../src/core/contract/provider.ts'
import type { InboundStore } from '../../src/core/inbound/inbound-store.ts'
import { rank } from '../../src/core/sending/outgoing-message.ts'
import type { OutgoingChange, OutgoingRecord } from '../../src/core/sending/outgoing-rows.ts'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import type { RecordDeps } from '../../src/core/sending/record-attempt.ts'
import { resolveByHand } from '../../src/core/sending/resolve-by-hand.ts'
import { sweepLostSends } from '../../src/core/sending/sweep.ts'
import type { Database, Executor, SqlValue } from '../../src/core/storage/database.ts'

/** Where the protocol can be changed. */
export interface Mutation {
  readonly acksFirst: boolean
  readonly answersFirst: boolean
  /** Whether a connection whose token is refused stops. */
  readonly pauses: boolean
  /** Whether it is looked up right before a call what its recipient wants. */
  readonly asksConsent: boolean
  outgoing(store: OutgoingStore, database: Database): OutgoingStore
  /** As the writing of outcomes sees it. */
  outgoingOfOutcomes(store: OutgoingStore): OutgoingStore
  /** As the applying of reports sees it. */
  outgoingOfReports(store: OutgoingStore): OutgoingStore
  inbound(store: InboundStore): InboundStore
  activity(store: ActivityStore, database: Database, now: () => Date): ActivityStore
  publishing(deps: PublishDeps): PublishDeps
  adapter(adapter: ProviderAdapter): ProviderAdapter
  sweepLostSends(deps: RecordDeps): Promise<number>
  readonly resolveByHand: typeof resolveByHand
}

/** The protocol as it is. */
export const sound: Mutation = {
  acksFirst: false,
  answersFirst: false,
  pauses: true,
  asksConsent: true,
  outgoing: (store) => store,
  outgoingOfOutcomes: (store) => store,
  outgoingOfReports: (store) => store,
  inbound: (store) => store,
  activity: (store) => store,
  publishing: (deps) => deps,
  adapter: (adapter) => adapter,
  sweepLostSends,
  resolveByHand,
}

/** Sends whose process is gone are simply sent again. */
async function requeueLostSends({ store, database, now }: RecordDeps): Promise<number> {
  const lost = await store.leasesOver(now(), 200)
  await database.transaction(async (tx) => {
    const records = [
      ...(
        await store.lock(
          tx,
          lost.map(({ id }) => id),
        )
      ).values(),
    ]
    const stillLost = records.filter(({ state }) => state === 'sending')
    await store.apply(
      tx,
      stillLost.map((record) => ({ ...record, state: 'queued' as const, dueAt: now() })),
      now(),
    )
  })
  return lost.length
}

const retryOnDoubt = (adapter: ProviderAdapter): ProviderAdapter => ({
  ...adapter,
  async send(message, connection) {
    const outcome = await adapter.send(message, connection)
    return outcome.outcome === 'in_doubt' ? { outcome: 'refused', failure: { code: 'provider_busy' } } : outcome
  },
})

/** Reads what may be claimed in one transaction and marks it in the next, without looking again. */
const torn = (database: Database): Database => ({
  ...database,
  async transaction(work) {
    let writes: { sql: string; bind: readonly SqlValue[] }[] = []
    const result = await database.transaction((tx) => {
      writes = []
      return work({ ...tx, write: async (sql, bind = []) => writes.push({ sql, bind }) })
    })
    await database.transaction(async (tx) => {
      for (const { sql, bind } of writes) await tx.write(sql, bind)
    })
    return result
  },
})

const withChanges = (store: OutgoingStore, change: (change: OutgoingChange) => OutgoingChange): OutgoingStore => ({
  ...store,
  apply: (tx, changes, now) => store.apply(tx, changes.map(change), now),
})

/** What was known of a status is forgotten: the report that comes last wins. */
const forgetful = (store: OutgoingStore): OutgoingStore => {
  const forget = (record: OutgoingRecord) => ({ ...record, statusRank: Math.min(record.statusRank, rank.accepted) })
  return {
    ...store,
    async lock(tx, ids) {
      const records = await store.lock(tx, ids)
      return new Map([...records].map(([id, record]) => [id, forget(record)]))
    },
  }
}

/** A message that failed stays failed, whatever comes later. */
const absorbing = (store: OutgoingStore): OutgoingStore => {
  const failed = new Set<number>()
  const noting: OutgoingStore = {
    ...store,
    async lock(tx, ids) {
      const records = await store.lock(tx, ids)
      for (const { id, statusRank } of records.values()) if (statusRank === rank.failed) failed.add(id)
      return records
    },
  }
  return withChanges(noting, (change) => (failed.has(change.id) ? { ...change, statusRank: rank.failed } : change))
}

/** Activity events in a transaction of their own, after the one of what they tell. */
const dualWrite: Mutation['activity'] = (store, database, now) => {
  let waiting: ActivityRecord[] = []
  return {
    ...store,
    insert: async (_tx, records) => void waiting.push(...records),
    committed() {
      const records = waiting
      waiting = []
      void database.transaction((tx) => store.insert(tx, records, now())).then(store.committed, () => {})
    },
  }
}

/** Activity events count as published when they are handed over. */
const marksFirst: Mutation['publishing'] = ({ activity, now, ...deps }) => ({
  ...deps,
  now,
  activity: {
    async unpublished(limit) {
      const events = await activity.unpublished(limit)
      await activity.markPublished(
        events.map(({ id }) => id),
        now(),
      )
      return events
    },
    markPublished: async () => {},
  },
})

/** All at once, as if the broker kept either all of a group or nothing. */
const sideBySide: Mutation['publishing'] = ({ activity, ...deps }) => ({
  ...deps,
  activity: {
    ...activity,
    unpublished: async (limit) => (await activity.unpublished(limit)).map((event) => ({ ...event, rootId: event.id })),
  },
})

const tokenless = (adapter: ProviderAdapter): ProviderAdapter => ({
  ...adapter,
  send: (message, connection) => adapter.send({ ...message, reference: '' }, connection),
})

/** A report that matches nothing is never looked at again. */
const dropUnknown = (store: InboundStore): InboundStore => ({
  ...store,
  settleReports: (tx, settled, now) =>
    store.settleReports(
      tx,
      settled.map((end) => ({ ...end, dueAt: null })),
      now,
    ),
})

/** Each delivery of an event is taken for a new one. */
const withoutInbox = (store: OutgoingStore): OutgoingStore => ({
  ...store,
  insert: (tx, drafts, now) =>
    store.insert(
      tx,
      drafts.map((draft) => ({ ...draft, idempotencyKey: `${draft.idempotencyKey}/${draft.reference}` })),
      now,
    ),
})

/** A report may prove the acceptance before the outcome is written; this one never looks. */
const lateOutcomeWins = (store: OutgoingStore): OutgoingStore => ({
  ...store,
  async lock(tx, ids) {
    const records = await store.lock(tx, ids)
    const asSent = (record: OutgoingRecord) =>
      record.acceptedAt ? { ...record, acceptedAt: null, state: 'sending' as const } : record
    return new Map([...records].map(([id, record]) => [id, asSent(record)]))
  },
})

/** A process that stood still between claim and call goes on where it was. */
const callsAnytime = (store: OutgoingStore): OutgoingStore => ({
  ...store,
  claim: async (...request) =>
    (await store.claim(...request)).map((message) => ({ ...message, callBefore: Number.POSITIVE_INFINITY })),
})

/** What an operator sends again is not marked as what may come twice. */
const resendUnmarked: Mutation['resolveByHand'] = (deps, ...request) => {
  const write = (tx: Executor) => async (sql: string, bind?: readonly SqlValue[]) =>
    sql.includes('possible_duplicate') ? 1 : tx.write(sql, bind)
  const database: Database = {
    ...deps.database,
    transaction: (work) => deps.database.transaction((tx) => work({ ...tx, write: write(tx) })),
  }
  return resolveByHand({ ...deps, database }, ...request)
}

/** The rules of which each breaks one. */
export const mutants = {
  'ack before commit': { acksFirst: true },
  'sweeper requeues': { sweepLostSends: requeueLostSends },
  'retry on doubt': { adapter: retryOnDoubt },
  'no claim CAS': {
    outgoing: (store, database) => ({ ...store, claim: createOutgoingStore(torn(database)).claim }),
  },
  '200 before insert': { answersFirst: true },
  'status regress': { outgoingOfReports: forgetful },
  'failed wins': {
    outgoingOfReports: (store) =>
      withChanges(store, (change) => (change.failedAt ? { ...change, statusRank: rank.failed } : change)),
  },
  'failed absorbing': { outgoingOfReports: absorbing },
  'outbox deleted before confirm': { publishing: marksFirst },
  'outbox published side by side': { publishing: sideBySide },
  'dual write': { activity: dualWrite },
  'no opaque token': { adapter: tokenless },
  'drop unknown DLR': { inbound: dropUnknown },
  'no inbox': { outgoing: withoutInbox },
  'late outcome wins': { outgoingOfOutcomes: lateOutcomeWins },
  'claim without end': { outgoing: callsAnytime },
  'refused token goes on': { pauses: false },
  'consent before the first call only': { asksConsent: false },
  'resend by hand unmarked': { resolveByHand: resendUnmarked },
} as const satisfies Record<string, Partial<Mutation>>

export type MutantName = keyof typeof mutants

export const mutantNames = Object.keys(mutants) as MutantName[]

export const mutationOf = (name?: MutantName): Mutation => ({ ...sound, ...(name ? mutants[name] : {}) })
