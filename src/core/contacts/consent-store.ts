/** What customers said about being written to, in the database: per account, address and topic, so for all connections. */

import type { Address } from '../contract/address.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import {
  type ConsentSource,
  type Consents,
  type ConsentTopic,
  consentKeys,
  counts,
  createConsents,
  isVouchedBy,
  type KnownConsent,
  type Wish,
} from './consent.ts'

export interface ConsentStore {
  /** What these people said, to whichever account: one look-up for all of them. */
  read(executor: Executor, addresses: readonly Address[]): Promise<Consents>
  /**
   * Keeps what was said, the latest word of each topic; holds it until the transaction's end.
   * @returns whether each wish was heard as something else than what held before it, in their order
   */
  hear(tx: Executor, wishes: readonly Wish[], now: Date): Promise<boolean[]>
  /**
   * The person of one address has another one, and what they said goes with them.
   * @param owner of the connection by which that became known
   */
  follow(tx: Executor, from: Address, to: Address, owner: number, now: Date): Promise<void>
}

export const createConsentStore = (database: Database): ConsentStore => {
  const hear = async (tx: Executor, wishes: readonly Wish[], now: Date): Promise<boolean[]> => {
    if (wishes.length === 0) return []
    const rows = await hold(tx, database, wishes, now)
    const isNews = wishes.map((wish) => take(rows, wish))
    const changed = rows.filter(({ isChanged }) => isChanged)
    await updateRows(
      tx,
      'wa_consents',
      changed.map(({ id, isWanted, at, by }) => ({
        id,
        is_wanted: isWanted ? 1 : 0,
        changed_at: sqlTime(at),
        changed_by: by,
        updated_at: sqlTime(now),
      })),
    )
    return isNews
  }
  return {
    async read(executor, addresses) {
      return createConsents(await load(executor, addresses, ''))
    },
    hear,
    async follow(tx, from, to, owner, now) {
      if (consentKeys(to).length === 0) return
      const said = await load(tx, [from], '')
      const own = said.filter(({ accountId }) => isVouchedBy(owner, accountId))
      await hear(
        tx,
        own.map((consent) => ({ ...consent, address: to })),
        now,
      )
    },
  }
}

interface HeldConsent extends KnownConsent {
  readonly id: number
  isWanted: boolean
  at: Date
  by: ConsentSource
  isChanged: boolean
}

/** Writes one wish into the rows of its person. Was it news? */
function take(rows: readonly HeldConsent[], wish: Wish): boolean {
  const { accountId, address, topic } = wish
  const known = createConsents(rows).latest(accountId, address, topic)
  if (!counts(wish, known)) return false
  const wasWanted = known?.isWanted ?? true
  const keys = consentKeys(address)
  for (const row of rows) {
    if (row.accountId !== accountId || row.topic !== topic || !keys.includes(row.address)) continue
    Object.assign(row, { isWanted: wish.isWanted, at: wish.at, by: wish.by, isChanged: true })
  }
  return wasWanted !== wish.isWanted
}

/** Long before anybody said anything. */
const never = new Date(0)

/** Makes rows where there are none, so that there is something to hold: two replicas may hear the same person. */
async function hold(tx: Executor, database: Database, wishes: readonly Wish[], now: Date): Promise<HeldConsent[]> {
  const keys = wishes.flatMap(({ accountId, topic, address }) =>
    consentKeys(address).map((key) => ({ address: key, account_id: accountId, topic })),
  )
  const byKey = new Map(keys.map((key) => [`${key.address}/${key.account_id}/${key.topic}`, key]))
  // Sorted keys: groups that meet take their locks in the same order.
  const sorted = [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key)
  const at = sqlTime(now)
  const silent = { is_wanted: 1, changed_at: sqlTime(never), changed_by: 'none', created_at: at, updated_at: at }
  const rows = sorted.map((key) => ({ ...key, ...silent }))
  await insertRows(tx, 'wa_consents', rows, database.keepExisting, ['address', 'account_id', 'topic'])
  const addresses = wishes.map(({ address }) => address)
  const held = await load(tx, addresses, database.forUpdate)
  return held.map((row) => ({ ...row, isChanged: false }))
}

interface ConsentRow {
  id: number
  account_id: number
  address: string
  topic: ConsentTopic
  is_wanted: number
  changed_at: string
  changed_by: ConsentSource
}

async function load(executor: Executor, addresses: readonly Address[], holding: string) {
  const keys = [...new Set(addresses.flatMap(consentKeys))].sort()
  const head = 'SELECT id, account_id, address, topic, is_wanted, changed_at, changed_by FROM wa_consents WHERE address'
  const rows = await selectIn<ConsentRow>(executor, head, keys, holding ? ` ORDER BY id${holding}` : '')
  return rows.map((row) => ({
    id: Number(row.id),
    accountId: Number(row.account_id),
    address: row.address,
    topic: row.topic,
    isWanted: Number(row.is_wanted) === 1,
    at: fromSqlTime(row.changed_at) ?? never,
    by: row.changed_by,
  }))
}
