/** Erasures as rows: what was asked for, by what the person is found meanwhile, and what came of it. */

import { randomBytes } from 'node:crypto'
import type { SecretBox } from '../accounts/secret-box.ts'
import { writeAudit } from '../audit/audit-log.ts'
import type { Database, Executor, Row } from '../storage/database.ts'
import { insertRows, selectIn, updateWhereIn } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { Person } from './person.ts'

export type Counts = Readonly<Record<string, number>>

/**
 * - `working`: not everything was looked through yet, or something is being sent
 * - `watching`: nothing is left; what still comes is erased as well
 * - `done`
 */
export type ErasureState = 'working' | 'watching' | 'done'

export interface Erasure {
  readonly id: number
  readonly reference: string
  /** Undefined = of every account. */
  readonly accountId: number | undefined
  readonly requestedAt: Date
  readonly watchedUntil: Date
  readonly person: Person
  readonly state: ErasureState
  /** How often in a row it failed. */
  readonly tries: number
  /** What was cleared or deleted so far, by kind of row. */
  readonly counts: Counts
  /** Kind of row -> id up to which it was searched. */
  readonly searched: Counts
}

export interface ErasureRequest {
  readonly accountId: number | undefined
  readonly person: Person
  readonly actor: string
}

export interface ErasureStore {
  /** Writes down what is to be erased, and who wants it, before anything is. */
  create(request: ErasureRequest, now: Date): Promise<Erasure>
  /** What is to be looked at again. Rows whose key is gone from the ring are told, and come again in an hour. */
  due(limit: number, now: Date): Promise<{ readonly erasures: Erasure[]; readonly unreadable: number[] }>
  /** More is known of the person than before. */
  saveKnown(erasure: Erasure, person: Person): Promise<Erasure>
  saveProgress(
    erasure: Erasure,
    progress: Pick<Erasure, 'state' | 'tries' | 'counts' | 'searched'>,
    dueAt: Date | null,
  ): Promise<void>
  /** It failed, and is looked at again then. */
  putOff(erasure: Erasure, dueAt: Date): Promise<void>
}

/** How long late webhooks, and what was under way, are watched for. */
const watchMs = 48 * 3_600_000
/** The one who asked looks for themselves first; if they are gone by then, somebody else does. */
const firstLookMs = 60_000
const unreadableMs = 3_600_000

export function createErasureStore(database: Database, secrets: SecretBox): ErasureStore {
  const sealed = (reference: string, person: Person) => secrets.seal(JSON.stringify(person), placeOf(reference))
  return {
    async create({ accountId, person, actor }, now) {
      const reference = randomBytes(16).toString('base64url')
      const row = {
        reference,
        account_id: accountId ?? null,
        requested_by: actor,
        requested_at: sqlTime(now),
        person: sealed(reference, person),
        state: 'working',
        counts: '{}',
        searched: '{}',
        watched_until: sqlTime(new Date(now.getTime() + watchMs)),
        due_at: sqlTime(new Date(now.getTime() + firstLookMs)),
      }
      return database.transaction(async (tx) => {
        await insertRows(tx, 'erasures', [row])
        const [stored] = await selectIn<Row>(tx, `${select} WHERE reference`, [reference])
        if (!stored) throw new Error('an erasure that was just inserted is not there')
        const subject = { subjectType: 'erasure', subjectId: String(stored.id), accountId: accountId ?? null }
        await writeAudit(tx, { actor, action: 'contact.erase', ...subject, detail: {} }, now)
        return toErasure(stored, person)
      })
    },
    async due(limit, now) {
      const sql = `${select} WHERE due_at <= $1 ORDER BY due_at LIMIT ${limit}`
      const rows = await database.select<Row>(sql, [sqlTime(now)])
      const found = rows.map((row) => ({ row, person: opened(secrets, row) }))
      const unreadable = found.filter(({ person }) => !person).map(({ row }) => Number(row.id))
      const later = { due_at: sqlTime(new Date(now.getTime() + unreadableMs)) }
      await updateWhereIn(database, 'erasures', later, 'id', unreadable)
      return { erasures: found.flatMap(({ row, person }) => (person ? [toErasure(row, person)] : [])), unreadable }
    },
    async saveKnown(erasure, person) {
      const text = sealed(erasure.reference, person)
      await database.write('UPDATE erasures SET person = $2 WHERE id = $1', [erasure.id, text])
      return { ...erasure, person }
    },
    async saveProgress({ id }, { state, tries, counts, searched }, dueAt) {
      const facts = [id, state, JSON.stringify(counts), JSON.stringify(searched), sqlTime(dueAt), tries]
      await database.transaction(async (tx) => {
        const changes = 'state = $2, counts = $3, searched = $4, due_at = $5, tries = $6'
        await tx.write(`UPDATE erasures SET ${changes} WHERE id = $1`, facts)
        if (state === 'done') await forget(tx, id)
      })
    },
    async putOff({ id, tries }, dueAt) {
      const facts = [id, tries + 1, sqlTime(dueAt)]
      await database.write('UPDATE erasures SET tries = $2, due_at = $3 WHERE id = $1', facts)
    },
  }
}

/** Nothing is looked for any more. */
async function forget(tx: Executor, id: number): Promise<void> {
  await tx.write('UPDATE erasures SET person = NULL WHERE id = $1', [id])
  await tx.write('DELETE FROM erased_messages WHERE erasure_id = $1', [id])
}

const select = `SELECT id, reference, account_id, requested_at, watched_until, person, state, tries, counts, searched
  FROM erasures`

const placeOf = (reference: string): string => `erasure/${reference}`

function opened(secrets: SecretBox, { person, reference }: Row): Person | undefined {
  try {
    return JSON.parse(secrets.open(String(person), placeOf(String(reference)))) as Person
  } catch {
    return undefined
  }
}

const toErasure = (row: Row, person: Person): Erasure => ({
  id: Number(row.id),
  reference: String(row.reference),
  accountId: row.account_id === null ? undefined : Number(row.account_id),
  requestedAt: fromSqlTime(row.requested_at) ?? new Date(0),
  watchedUntil: fromSqlTime(row.watched_until) ?? new Date(0),
  person,
  state: row.state as ErasureState,
  tries: Number(row.tries),
  counts: JSON.parse(String(row.counts)) as Counts,
  searched: JSON.parse(String(row.searched)) as Counts,
})
