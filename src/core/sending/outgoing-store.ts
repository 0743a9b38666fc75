/** Outgoing messages in the database. Every change of state of a message is one of the statements in this file. */

import type { Address } from '../contract/address.ts'
import type { Content } from '../contract/content.ts'
import type { Database, Executor, Row, SqlValue } from '../storage/database.ts'
import { isDatabaseAway } from '../storage/database-errors.ts'
import { insertRows, selectIn, updateRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import { whenBack } from '../storage/when-back.ts'
import { claimMessages } from './claim.ts'
import { type ClaimedMessage, type MessageState, type OutgoingDraft, rank } from './outgoing-message.ts'
import {
  changeRow,
  draftRow,
  leaseMs,
  type OutgoingChange,
  type OutgoingRecord,
  outgoingSelect,
  toRecord,
} from './outgoing-rows.ts'
import { putOff } from './put-off.ts'

export interface Inserted {
  readonly id: number
  /** False when a message with the same idempotency key was there before. */
  readonly isNew: boolean
  readonly reference: string
}

/** A message whose sender vanished in the middle of an attempt. */
export interface LostSend {
  readonly id: number
  readonly attempt: number
  readonly connectionId: number
  readonly since: Date
}

/** A message in doubt whose time has come. */
export interface DueDoubt {
  readonly id: number
  readonly connectionId: number | null
}

/** One claim of a message: nobody else can hold the same attempt. */
export interface Claim {
  readonly reference: string
  readonly attempt: number
}

export interface OutgoingStore {
  /** Writes drafts; one whose idempotency key exists is left out. Results in the order of the drafts. */
  insert(tx: Executor, drafts: readonly OutgoingDraft[], now: Date): Promise<Inserted[]>
  /**
   * Takes up to `limit` messages of a connection that may be sent now, one per recipient and none of `busyRecipients`,
   * oldest first, and marks them as being sent until the lease ends.
   */
  claim(connectionId: number, limit: number, busyRecipients: ReadonlySet<string>, now: Date): Promise<ClaimedMessage[]>
  /** Messages that were written as being sent and whose call provably never began: they wait again. */
  giveBack(claims: readonly Claim[], now: Date): Promise<void>
  read(tx: Executor, ids: readonly number[]): Promise<Map<number, OutgoingRecord>>
  /** Reads messages and holds them until the transaction's end. */
  lock(tx: Executor, ids: readonly number[]): Promise<Map<number, OutgoingRecord>>
  apply(tx: Executor, changes: readonly OutgoingChange[], now: Date): Promise<void>
  get(id: number): Promise<OutgoingRecord | undefined>
  /** Which messages these references or provider ids belong to. */
  idsByReference(references: readonly string[], tx?: Executor): Promise<Map<string, number>>
  idsByMessageId(messageIds: readonly string[], tx?: Executor): Promise<Map<string, number>>
  /** Connections that have messages whose time has come. */
  connectionsWithDue(now: Date): Promise<number[]>
  /** Messages whose lease ended without an outcome; they were being sent by a process that is gone. */
  leasesOver(now: Date, limit: number): Promise<LostSend[]>
  /** Messages in doubt that somebody should decide about now, so many of each connection. */
  doubtsDue(now: Date, limit: number): Promise<DueDoubt[]>
  /**
   * What nobody can work on, for whatever reason, is looked at again later; in the end it is unknown what became of it.
   * @param from what it was in when that was tried: what was decided meanwhile stays
   */
  putOff(id: number, from: readonly MessageState[], now: Date): Promise<void>
  /** Messages that wait because their connection was refused: it was mended, so they may go at once. */
  releaseWaiting(connectionId: number, failureCodes: readonly string[], now: Date): Promise<void>
  /**
   * What a message that is being sent says now.
   * @throws when it is not in this attempt any more
   */
  replaceContent(message: Pick<ClaimedMessage, 'id' | 'attempt'>, content: Content, now: Date): Promise<void>
  /** What still waits for a customer goes to the address that they have now. */
  readdress(tx: Executor, connectionId: number, from: Address, to: Address, now: Date): Promise<void>
  /** Messages that were sent and should have been delivered, or failed, by now. */
  undeliveredDue(now: Date, limit: number): Promise<number[]>
  /** Nothing more will be heard of these: somebody should conclude what became of those that were not delivered. */
  expectNoMore(ids: readonly number[], now: Date): Promise<void>
  /** Messages that wait although they are of no use any more. */
  outOfTime(now: Date, limit: number): Promise<number[]>
}

const mostDoubts = 1_000
/** Shorter than a lease: after it the message would have become a doubt. */
export const giveBackMs = 60_000

export function createOutgoingStore(database: Database): OutgoingStore {
  /** @param leaseEnd of the claim, where it may not have been committed: then others may have made the same attempt */
  const giveBack = async (claims: readonly Claim[], now: Date, leaseEnd?: Date) => {
    for (const [attempt, references] of byAttempt(claims)) {
      const bind: SqlValue[] = [sqlTime(now), attempt]
      const list = references.map((reference) => `$${bind.push(reference)}`).join(', ')
      const ours = leaseEnd ? ` AND due_at = $${bind.push(sqlTime(leaseEnd))}` : ''
      // The claim stays counted: repeated or late, this finds nothing of whoever claimed the message since.
      await database.write(
        `UPDATE wa_outgoing_messages SET state = 'queued', due_at = $1, given_back = given_back + 1
         WHERE state = 'sending' AND attempts = $2 AND reference IN (${list})${ours}`,
        bind,
      )
    }
  }
  return {
    insert: (tx, drafts, now) => insertDrafts(tx, database.keepExisting, drafts, now),
    async claim(connectionId, limit, busy, now) {
      let chosen: readonly ClaimedMessage[] = []
      try {
        return await claimMessages(database, { connectionId, limit, busy, now }, (messages) => {
          chosen = messages
        })
      } catch (error) {
        // The commit may have gone through and only its answer be lost; none of them was called.
        if (chosen.length > 0 && isDatabaseAway(error)) {
          const leaseEnd = new Date(now.getTime() + leaseMs)
          void whenBack(giveBackMs, () => giveBack(chosen, now, leaseEnd))
        }
        throw error
      }
    },
    giveBack,
    read: (tx, ids) => readRecords(tx, ids, ''),
    lock: (tx, ids) => readRecords(tx, ids, database.forUpdate),
    async apply(tx, changes, now) {
      const rows = changes.map((change) => changeRow(change, now))
      await updateRows(tx, 'wa_outgoing_messages', rows)
    },
    async get(id) {
      const [row] = await database.select(`${outgoingSelect} WHERE id = $1`, [id])
      return row ? toRecord(row) : undefined
    },
    async idsByReference(references, tx = database) {
      const head = 'SELECT id, reference AS found FROM wa_outgoing_messages WHERE reference'
      return toIds(await selectIn(tx, head, references))
    },
    async idsByMessageId(messageIds, tx = database) {
      const head = 'SELECT id, message_id AS found FROM wa_outgoing_messages WHERE message_id'
      return toIds(await selectIn(tx, head, messageIds))
    },
    async connectionsWithDue(now) {
      // Grouped by what the index begins with: of the many rows that may wait, only the first of each group is read.
      const rows = await database.select<{ connection: number | null }>(
        `SELECT state, whatsappSenderConnectionId AS connection FROM wa_outgoing_messages
         WHERE state IN ('queued', 'waiting') GROUP BY state, whatsappSenderConnectionId HAVING MIN(due_at) <= $1`,
        [sqlTime(now)],
      )
      return [...new Set(rows.flatMap((row) => (row.connection === null ? [] : [Number(row.connection)])))]
    },
    async leasesOver(now, limit) {
      const rows = await database.select<{ id: number; attempts: number; connection: number; since: string }>(
        `SELECT id, attempts, whatsappSenderConnectionId AS connection, updated_at AS since
         FROM wa_outgoing_messages WHERE due_at <= $1 AND state = 'sending' ORDER BY due_at LIMIT ${limit}`,
        [sqlTime(now)],
      )
      return rows.map((row) => ({
        id: Number(row.id),
        attempt: row.attempts,
        connectionId: Number(row.connection),
        since: fromSqlTime(row.since) ?? now,
      }))
    },
    async doubtsDue(now, limit) {
      const rows = await database.select<{ id: number; connection: number | null }>(
        `SELECT id, connection FROM (SELECT id, whatsappSenderConnectionId AS connection,
           ROW_NUMBER() OVER (PARTITION BY whatsappSenderConnectionId ORDER BY due_at) AS place
         FROM wa_outgoing_messages WHERE state = 'in_doubt' AND due_at <= $1) AS due
         WHERE place <= ${limit} ORDER BY place LIMIT ${mostDoubts}`,
        [sqlTime(now)],
      )
      return rows.map(({ id, connection }) => ({
        id: Number(id),
        connectionId: connection === null ? null : Number(connection),
      }))
    },
    putOff: (id, from, now) => putOff(database, id, from, now),
    async releaseWaiting(connectionId, failureCodes, now) {
      const codes = failureCodes.map((_, index) => `$${index + 3}`).join(', ')
      await database.write(
        `UPDATE wa_outgoing_messages SET due_at = $2
         WHERE whatsappSenderConnectionId = $1 AND due_at > $2 AND state = 'waiting' AND failure_code IN (${codes})`,
        [connectionId, sqlTime(now), ...failureCodes],
      )
    },
    async replaceContent({ id, attempt }, content, now) {
      const changed = await database.write(
        `UPDATE wa_outgoing_messages SET payload = $3, updated_at = $4
         WHERE id = $1 AND attempts = $2 AND state = 'sending'`,
        [id, attempt, JSON.stringify(content), sqlTime(now)],
      )
      if (changed === 0) throw new Error('the message is not being sent by this attempt')
    },
    async readdress(tx, connectionId, from, to, now) {
      const columns = { customer_phone: [from.phone, to.phone], customer_user_id: [from.userId, to.userId] }
      for (const [column, [known, next]] of Object.entries(columns)) {
        if (!known || !next) continue
        await tx.write(
          `UPDATE wa_outgoing_messages SET ${column} = $3, updated_at = $4
           WHERE ${column} = $2 AND whatsappSenderConnectionId = $1 AND state IN ('queued', 'waiting')`,
          [connectionId, known, next, sqlTime(now)],
        )
      }
    },
    async undeliveredDue(now, limit) {
      const rows = await database.select<{ id: number }>(
        `SELECT id FROM wa_outgoing_messages WHERE due_at <= $1 AND state = 'accepted' ORDER BY due_at LIMIT ${limit}`,
        [sqlTime(now)],
      )
      return rows.map((row) => Number(row.id))
    },
    async expectNoMore(ids, now) {
      for (const id of ids) {
        await database.write(
          `UPDATE wa_outgoing_messages SET due_at = $2 WHERE id = $1 AND state = 'accepted' AND status_rank <= $3`,
          [id, sqlTime(now), rank.sent],
        )
      }
    },
    async outOfTime(now, limit) {
      const rows = await database.select<{ id: number }>(
        `SELECT id FROM wa_outgoing_messages
         WHERE due_at <= $1 AND state IN ('queued', 'waiting') AND expires_at <= $1 LIMIT ${limit}`,
        [sqlTime(now)],
      )
      return rows.map((row) => Number(row.id))
    },
  }
}

function byAttempt(claims: readonly Claim[]): Map<number, string[]> {
  const groups = new Map<number, string[]>()
  for (const { attempt, reference } of claims) groups.set(attempt, [...(groups.get(attempt) ?? []), reference])
  return groups
}

/** Always in the order of their ids, so that groups which meet cannot deadlock. */
async function readRecords(tx: Executor, ids: readonly number[], holding: string) {
  const sorted = [...new Set(ids)].sort((a, b) => a - b)
  const rows = await selectIn<Row>(tx, `${outgoingSelect} WHERE id`, sorted, ` ORDER BY id${holding}`)
  return new Map(rows.map(toRecord).map((record) => [record.id, record]))
}

async function insertDrafts(tx: Executor, keepExisting: string, drafts: readonly OutgoingDraft[], now: Date) {
  if (drafts.length === 0) return []
  // Sorted keys: two groups that meet take their locks in the same order and cannot deadlock.
  const sorted = [...drafts].sort((a, b) => (a.idempotencyKey < b.idempotencyKey ? -1 : 1))
  const rows = sorted.map((draft) => draftRow(draft, now))
  await insertRows(tx, 'wa_outgoing_messages', rows, keepExisting)
  const keys = sorted.map((draft) => draft.idempotencyKey)
  const head = 'SELECT id, reference, idempotency_key FROM wa_outgoing_messages WHERE idempotency_key'
  const found = await selectIn<{ id: number; reference: string; idempotency_key: string }>(tx, head, keys)
  const byKey = new Map(found.map((row) => [row.idempotency_key, row]))
  return drafts.map((draft) => {
    const row = byKey.get(draft.idempotencyKey)
    if (!row) throw new Error('a message that was just inserted is not there')
    return { id: Number(row.id), reference: row.reference, isNew: row.reference === draft.reference }
  })
}

const toIds = (rows: { id: number; found: string }[]) => new Map(rows.map((row) => [row.found, Number(row.id)]))
