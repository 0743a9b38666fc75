/** What stands in the tables: how much waits, since when, and what must not be there. Bounded and indexed reads only. */

import type { Database, Row, SqlValue } from '../storage/database.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

/** Something that waits to be done. */
export interface Backlog {
  readonly count: number
  /** Of what waits longest; 0 when nothing does. */
  readonly oldestSeconds: number
}

export type InboundPart = 'report' | 'reply' | 'contact_news' | 'account_news'

export interface StoredState {
  /** Messages that wait, by connection. */
  readonly waiting: ReadonlyMap<number, Backlog>
  readonly doubts: Backlog
  readonly unapplied: Readonly<Record<InboundPart, Backlog>>
  readonly unpushed: Backlog
  readonly unpublished: Backlog
  readonly connections: readonly {
    readonly provider: string
    readonly state: 'active' | 'paused'
    readonly reason: string | null
    readonly count: number
  }[]
  readonly parked: Readonly<Record<'event' | 'webhook', number>>
  /** Messages that somebody should look at again, and nobody will: they have no due time. */
  readonly stranded: number
}

const mostWaiting = 100_000
const mostDoubts = 5_000
const mostDue = 10_000
const newestRejected = 1_000

const inboundTables: Readonly<Record<InboundPart, string>> = {
  report: 'wa_dlr_messages',
  reply: 'wa_customer_reply_messages',
  contact_news: 'wa_contact_news',
  account_news: 'wa_connection_events',
}

/** One statement after the other: watching must never take more than one connection from the work. */
export async function readStoredState(database: Database, now: Date): Promise<StoredState> {
  const read = createReader(database, now)
  const due = (table: string, where = '') =>
    read.backlog(
      `SELECT due_at AS since FROM ${table} WHERE ${where}due_at <= $1 ORDER BY due_at LIMIT ${mostDue}`,
      sqlTime(now),
    )
  const waiting = await readWaiting(read)
  const doubts = await read.backlog(`SELECT (SELECT MIN(a.started_at) FROM wa_send_attempts a
    WHERE a.wa_outgoing_message_id = m.id AND a.attempt = m.attempts) AS since
    FROM wa_outgoing_messages m WHERE m.state = 'in_doubt' LIMIT ${mostDoubts}`)
  const unapplied = {
    report: await due(inboundTables.report),
    reply: await due(inboundTables.reply),
    contact_news: await due(inboundTables.contact_news),
    account_news: await due(inboundTables.account_news),
  }
  const unpushed = await due('ndr_actions', "state = 'pending' AND ")
  const unpublished = await read.backlog(`SELECT created_at AS since FROM activity_events
    WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT ${mostDue}`)
  return {
    waiting,
    doubts,
    unapplied,
    unpushed,
    unpublished,
    connections: await readConnections(read),
    parked: await readParked(read),
    stranded: await read.count(`SELECT id FROM wa_outgoing_messages
      WHERE state IN ('queued', 'sending', 'waiting', 'in_doubt') AND due_at IS NULL LIMIT ${mostDue}`),
  }
}

interface Reader {
  rows<T = Row>(sql: string, ...bind: readonly (SqlValue | undefined)[]): Promise<T[]>
  count(sql: string): Promise<number>
  /** @param sql selects the column `since` */
  backlog(sql: string, ...bind: readonly SqlValue[]): Promise<Backlog>
  secondsSince(time: unknown): number
}

function createReader(database: Database, now: Date): Reader {
  const secondsSince = (time: unknown) => {
    const since = fromSqlTime(time as string | null)
    return since ? Math.max(0, (now.getTime() - since.getTime()) / 1_000) : 0
  }
  const rows: Reader['rows'] = (sql, ...bind) => database.select(sql, bind as SqlValue[])
  return {
    rows,
    secondsSince,
    async count(sql) {
      const [row] = await rows<{ n: number }>(`SELECT COUNT(*) AS n FROM (${sql}) AS counted`)
      return Number(row?.n ?? 0)
    },
    async backlog(sql, ...bind) {
      const outer = `SELECT COUNT(*) AS n, MIN(since) AS since FROM (${sql}) AS backlog`
      const [row] = await rows<{ n: number; since: string | null }>(outer, ...bind)
      return { count: Number(row?.n ?? 0), oldestSeconds: secondsSince(row?.since ?? null) }
    },
  }
}

/** From the index alone. What waits for a time of its own counts, but is not overdue. */
async function readWaiting({ rows, secondsSince }: Reader): Promise<Map<number, Backlog>> {
  const found = await rows<{ connection: number | null; n: number; since: string | null }>(
    `SELECT connection, COUNT(*) AS n, MIN(due_at) AS since FROM (
       SELECT whatsappSenderConnectionId AS connection, due_at FROM wa_outgoing_messages
       WHERE state IN ('queued', 'waiting') LIMIT ${mostWaiting}) AS waiting GROUP BY connection`,
  )
  return new Map(
    found.map(({ connection, n, since }) => [
      Number(connection ?? 0),
      { count: Number(n), oldestSeconds: secondsSince(since) },
    ]),
  )
}

async function readConnections({ rows }: Reader): Promise<StoredState['connections']> {
  const found = await rows<StoredState['connections'][number]>(
    `SELECT provider, state, state_reason AS reason, COUNT(*) AS count FROM wa_connections
     WHERE state <> 'deleted' GROUP BY provider, state, state_reason`,
  )
  return found.map((row) => ({ ...row, count: Number(row.count) }))
}

async function readParked({ rows }: Reader): Promise<StoredState['parked']> {
  const found = await rows<{ source: 'event' | 'webhook'; n: number }>(
    `SELECT source, COUNT(*) AS n FROM (SELECT source, state FROM rejected_events ORDER BY id DESC
     LIMIT ${newestRejected}) AS newest WHERE state = 'parked' GROUP BY source`,
  )
  const counts = new Map(found.map(({ source, n }) => [source, Number(n)]))
  return { event: counts.get('event') ?? 0, webhook: counts.get('webhook') ?? 0 }
}
