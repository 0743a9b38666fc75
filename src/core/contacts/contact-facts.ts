/** What the API tells of a customer: to each account what that account knows, and nothing that another one does. */

import { writeAudit } from '../audit/audit-log.ts'
import type { Address } from '../contract/address.ts'
import type { Database, Executor, SqlValue } from '../storage/database.ts'
import { fromSqlTime } from '../storage/time.ts'
import { canonicalPhone, phoneSpellings } from './canonical-phone.ts'
import { type Consents, type ConsentTopic, consentTopics } from './consent.ts'
import type { ConsentStore } from './consent-store.ts'
import type { ObeyWishes } from './obey-wishes.ts'

/** What one account knows of a customer. */
export interface ContactFacts {
  readonly accountId: number
  readonly name: string | null
  readonly consent: Readonly<Record<ConsentTopic, ShownConsent>>
  /** Where the customer wrote: to the account's own connections, or in its conversations through others. */
  readonly connections: readonly { readonly connectionId: string; readonly lastInboundAt: Date | null }[]
}

/** `at` and `by` are null where nobody said anything: then messages are wanted. */
interface ShownConsent {
  readonly isWanted: boolean
  readonly at: Date | null
  readonly by: string | null
}

export interface ConsentChange {
  readonly accountId: number
  readonly topic: ConsentTopic
  readonly isWanted: boolean
}

export interface ContactAdmin {
  /**
   * @param phone E.164, in any spelling
   * @param accountId undefined = all accounts that know something
   */
  get(phone: string, accountId?: number): Promise<ContactFacts[]>
  /** Keeps what a customer asked an account for elsewhere; written down with who did it. */
  put(phone: string, change: ConsentChange, actor: string): Promise<void>
}

export interface ContactAdminDeps {
  readonly database: Database
  readonly consents: Pick<ConsentStore, 'read'>
  readonly obeyWishes: ObeyWishes
  readonly now: () => Date
}

export function createContactAdmin({ database, consents, obeyWishes, now }: ContactAdminDeps): ContactAdmin {
  return {
    async get(phone, accountId) {
      const seen = await sightings(database, phone, accountId)
      const said = await consents.read(database, addressesOf(phone, seen))
      const spokenTo = said.accountIds.filter((id) => accountId === undefined || id === accountId)
      const accountIds = new Set([...seen.map((sighting) => sighting.accountId), ...spokenTo])
      return [...accountIds]
        .sort((a, b) => a - b)
        .map((id) => {
          const own = seen.filter((sighting) => sighting.accountId === id)
          return {
            accountId: id,
            name: own.find(({ name }) => name)?.name ?? null,
            consent: shownConsent(said, id, addressesOf(phone, own)),
            connections: connectionsOf(own),
          }
        })
    },
    async put(phone, { accountId, topic, isWanted }, actor) {
      await database.transaction(async (tx) => {
        const addresses = addressesOf(phone, await sightings(tx, phone, accountId))
        const before = shownConsent(await consents.read(tx, addresses), accountId, addresses)[topic].isWanted
        const wish = { accountId, topic, isWanted, at: now(), by: 'api' } as const
        await obeyWishes(
          tx,
          addresses.map((address) => ({ ...wish, address })),
          now(),
        )
        const subject = { subjectType: 'contact', subjectId: canonicalPhone(phone) }
        const detail = { topic, before: { isWanted: before }, after: { isWanted } }
        await writeAudit(tx, { actor, action: 'contact.consent', ...subject, accountId, detail }, now())
      })
    },
  }
}

/** Where an account met somebody. */
interface Sighting {
  readonly accountId: number
  readonly connectionId: number | null
  readonly userId: string | null
  readonly name: string | null
  readonly at: Date | null
}

interface SightingRow {
  account: number
  connection: number | null
  user_id: string | null
  name: string | null
  at: string | null
}

/** On the account's own connections, and in the conversations that it began through whichever. */
async function sightings(executor: Executor, phone: string, accountId: number | undefined): Promise<Sighting[]> {
  const bind: SqlValue[] = phoneSpellings(phone)
  const list = bind.map((_, index) => `$${index + 1}`).join(', ')
  const of = (column: string) => (accountId === undefined ? '' : ` AND ${column} = $${bind.length + 1}`)
  const values = accountId === undefined ? bind : [...bind, accountId]
  const own = await executor.select<SightingRow>(
    `SELECT c.account_id AS account, w.connection_id AS connection, w.user_id, w.name, w.last_inbound_at AS at
     FROM wa_contacts w JOIN wa_connections c ON c.id = w.connection_id
     WHERE w.phone IN (${list})${of('c.account_id')} ORDER BY w.last_inbound_at DESC`,
    values,
  )
  const begun = await executor.select<SightingRow>(
    `SELECT m.account_id AS account, r.connection_id AS connection, NULL AS user_id, MAX(r.from_name) AS name,
       MAX(r.created_at) AS at
     FROM wa_outgoing_messages m LEFT JOIN wa_customer_reply_messages r ON r.wa_root_outgoing_message_id = m.id
     WHERE m.customer_phone IN (${list})${of('m.account_id')} GROUP BY m.account_id, r.connection_id`,
    values,
  )
  return [...own, ...begun].map((row) => ({
    accountId: Number(row.account),
    connectionId: row.connection === null ? null : Number(row.connection),
    userId: row.user_id,
    name: row.name,
    at: fromSqlTime(row.at),
  }))
}

/** The phone with each user id by which it is known; every business of the provider's has ids of its own. */
function addressesOf(phone: string, seen: readonly Sighting[]): Address[] {
  const userIds = [...new Set(seen.flatMap(({ userId }) => userId ?? []))]
  return userIds.length === 0 ? [{ phone }] : userIds.map((userId) => ({ phone, userId }))
}

function shownConsent(said: Consents, accountId: number, addresses: readonly Address[]): ContactFacts['consent'] {
  const latest = (topic: ConsentTopic): ShownConsent => {
    const words = addresses.flatMap((address) => said.latest(accountId, address, topic) ?? [])
    const { isWanted, at, by } = words.sort((a, b) => b.at.getTime() - a.at.getTime())[0] ?? unsaid
    return { isWanted, at, by }
  }
  return Object.fromEntries(consentTopics.map((topic) => [topic, latest(topic)])) as ContactFacts['consent']
}

const unsaid = { isWanted: true, at: null, by: null }

/** The latest time at each. */
function connectionsOf(seen: readonly Sighting[]): ContactFacts['connections'] {
  const latest = new Map<number, Date | null>()
  for (const { connectionId, at } of seen) {
    if (connectionId === null) continue
    const known = latest.get(connectionId) ?? null
    latest.set(connectionId, at && (!known || at > known) ? at : known)
  }
  return [...latest].map(([id, lastInboundAt]) => ({ connectionId: String(id), lastInboundAt }))
}
