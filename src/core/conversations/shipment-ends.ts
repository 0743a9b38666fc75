/** Shipments that came to their end, remembered also where nothing was sent about them: an event may come after it. */

import type { ShipmentEnd } from '../notifications/kinds/shipment-end.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

/** What a message is about, as its row has it. */
export interface Subject {
  readonly accountId: number
  readonly subjectType: string | null
  readonly subjectId: string | null
}

export interface KnownEnd {
  /** As `flows.yaml` names it; the first one that was told. */
  readonly status: string
  readonly endedAt: Date
  /** By the shipment's own log: the newest end that was told; null where none told it. */
  readonly happenedAt: Date | null
}

/** The end of a subject, among those that were read for it. */
export type EndOf = (subject: Subject) => KnownEnd | undefined

/** When the shipment of the message `candidate` ended, as a column `ended_at` of a SELECT; null while it has not. */
export const endedAtColumn = `(SELECT shipment_end.ended_at FROM shipment_ends AS shipment_end
  WHERE candidate.subject_type = 'shipment' AND shipment_end.shipment_id = candidate.subject_id
  AND shipment_end.account_id = candidate.account_id) AS ended_at`

/** Shipment ids are only unique within an account. */
export const keyOf = (accountId: number, shipmentId: string | null): string => `${accountId}/${shipmentId}`

/** Updates of one moment may carry times that lie a little apart. */
const clearlyLaterMs = 5 * 60_000

/** Did this happen so long after the end, by the shipment's own log, that the end was wrong or revoked? */
export const disproves = (eventAt: Date | undefined, { happenedAt }: KnownEnd): boolean =>
  eventAt !== undefined && happenedAt !== null && eventAt.getTime() > happenedAt.getTime() + clearlyLaterMs

/** Forgets ends that turned out to be none: the shipment is on its way. */
export async function revokeEnds(tx: Executor, subjects: readonly Subject[]): Promise<void> {
  for (const { accountId, subjectId } of sorted(subjects))
    await tx.write('DELETE FROM shipment_ends WHERE shipment_id = $1 AND account_id = $2', [subjectId, accountId])
}

/** Groups that meet take their locks in the same order and cannot deadlock. */
const sorted = <T extends Subject>(subjects: readonly T[]): T[] =>
  [...subjects].sort((a, b) => (keyOf(a.accountId, a.subjectId) < keyOf(b.accountId, b.subjectId) ? -1 : 1))

/** Remembers ends; a shipment that has one keeps it, and the newest time that was told of one. */
export async function noteEnds(
  tx: Executor,
  keepExisting: string,
  ends: readonly ShipmentEnd[],
  now: Date,
): Promise<void> {
  const first = new Map([...ends].reverse().map((end) => [keyOf(end.accountId, end.shipmentId), end]))
  // Sorted keys: two groups that meet take their locks in the same order and cannot deadlock.
  const inOrder = [...first].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, end]) => end)
  const rows = inOrder.map(({ accountId, shipmentId, status, happenedAt }) => ({
    shipment_id: shipmentId,
    account_id: accountId,
    status,
    ended_at: sqlTime(now),
    happened_at: sqlTime(happenedAt),
  }))
  await insertRows(tx, 'shipment_ends', rows, keepExisting, ['shipment_id', 'account_id'])
  await noteTimes(tx, ends)
}

/** A second end, e.g. the parcel's arrival at the sender after its way back began, proves the first one right. */
async function noteTimes(tx: Executor, ends: readonly ShipmentEnd[]): Promise<void> {
  const told = ends.map((end) => ({ ...end, subjectType: 'shipment', subjectId: end.shipmentId }))
  const endOf = await readEnds(tx, told)
  for (const { happenedAt, ...subject } of sorted(told)) {
    const known = endOf(subject)?.happenedAt
    if (happenedAt === undefined || (known && known >= happenedAt)) continue
    await tx.write(
      `UPDATE shipment_ends SET happened_at = $3 WHERE shipment_id = $1 AND account_id = $2
       AND (happened_at IS NULL OR happened_at < $3)`,
      [subject.subjectId, subject.accountId, sqlTime(happenedAt)],
    )
  }
}

interface EndRow {
  account_id: number
  shipment_id: string
  status: string
  ended_at: string
  happened_at: string | null
}

/** Which of these subjects are over: one look-up for all of them. */
export async function readEnds(executor: Executor, subjects: readonly Subject[]): Promise<EndOf> {
  const ids = subjects.flatMap(({ subjectType, subjectId }) => (subjectType === 'shipment' ? (subjectId ?? []) : []))
  const head = 'SELECT account_id, shipment_id, status, ended_at, happened_at FROM shipment_ends WHERE shipment_id'
  const rows = await selectIn<EndRow>(executor, head, [...new Set(ids)])
  const known = new Map(
    rows.map((row) => [
      keyOf(Number(row.account_id), row.shipment_id),
      {
        status: row.status,
        endedAt: fromSqlTime(row.ended_at) ?? new Date(0),
        happenedAt: fromSqlTime(row.happened_at),
      },
    ]),
  )
  return ({ accountId, subjectType, subjectId }) =>
    subjectType === 'shipment' ? known.get(keyOf(accountId, subjectId)) : undefined
}

/** Longer than anything about the shipment can still be on its way. */
const rememberedMs = 60 * 86_400_000
const forgetLimit = 1_000

/** Forgets one group of old ends. Resolves with how many there were. */
export async function forgetEnds(database: Database, now: Date): Promise<number> {
  const before = sqlTime(new Date(now.getTime() - rememberedMs))
  const old = await database.select<{ id: number }>(
    `SELECT id FROM shipment_ends WHERE ended_at < $1 ORDER BY ended_at LIMIT ${forgetLimit}`,
    [before],
  )
  if (old.length === 0) return 0
  const list = old.map((_, index) => `$${index + 1}`).join(', ')
  return database.write(
    `DELETE FROM shipment_ends WHERE id IN (${list})`,
    old.map(({ id }) => Number(id)),
  )
}
