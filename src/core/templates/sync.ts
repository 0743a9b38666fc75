/** Reads a connection's templates from its provider: on a schedule, soon after news about them, and when asked. */

import { type Connection, forProvider } from '../accounts/connections.ts'
import type { Failure } from '../contract/failures.ts'
import type { ProviderAdapter } from '../contract/provider.ts'
import type { TemplateList } from '../contract/templates.ts'
import type { Logger } from '../observe/logger.ts'
import type { Database } from '../storage/database.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { TemplateStore } from './template-store.ts'

export interface TemplateReading {
  /** When they were read last; null = never. */
  readonly readAt: Date | null
  /** Why the last reading failed; null = it did not. */
  readonly problem: string | null
  readonly dueAt: Date | null
}

export interface TemplateSync {
  /** Asks the provider now and writes down what it says. Undefined where there is no such list. */
  read(connection: Connection): Promise<TemplateList | undefined>
  reading(connectionId: number): Promise<TemplateReading>
  /** Lets one replica read them after a short while: news come in groups, and one list answers all of them. */
  soon(connectionId: number): Promise<void>
  /** Reads one connection's that is due. Resolves with how many that were. */
  sweep(): Promise<number>
}

export interface TemplateSyncDeps {
  readonly database: Database
  readonly adapter: (provider: string) => ProviderAdapter
  /** Providers whose templates can be listed. */
  readonly listing: readonly string[]
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly store: TemplateStore
  /** What is known of a connection's templates was changed. */
  readonly changed: (connectionId: number) => void
  readonly log: Logger
  readonly now: () => Date
  readonly random: () => number
}

const everyMs = 6 * 3_600_000
const soonMs = 60_000
/** Longer than the longest list takes, with writing it down: whoever took it is gone then. */
const leaseMs = 10 * 60_000
const retryMs = 30 * 60_000
/** News carry whole seconds of the provider's clock: what came about when we asked must not look older than the list. */
const clockMarginMs = 10_000

export function createTemplateSync(deps: TemplateSyncDeps): TemplateSync {
  const { database, adapter, listing, store, now, random } = deps

  const settle = (id: number, waitMs: number, failure: Failure | undefined) => {
    const at = now()
    const dueAt = new Date(at.getTime() + waitMs * (0.9 + random() * 0.2))
    const problem = failure ? [failure.code, failure.detail].filter(Boolean).join(': ').slice(0, 1_024) : null
    const readAt = failure ? '' : ', templates_read_at = $4'
    return database.write(
      `UPDATE wa_connections SET templates_due_at = $2, templates_problem = $3${readAt} WHERE id = $1`,
      [id, sqlTime(dueAt), problem, ...(failure ? [] : [sqlTime(at)])],
    )
  }

  const read = async (connection: Connection): Promise<TemplateList | undefined> => {
    const { listTemplates } = adapter(connection.provider)
    if (!listTemplates) return undefined
    const askedAt = new Date(now().getTime() - clockMarginMs)
    const list = await listTemplates(forProvider(connection))
    if ('failure' in list) await settle(connection.id, retryMs, list.failure)
    else {
      await store.saveList(connection.id, list.templates, askedAt)
      await settle(connection.id, everyMs, undefined)
      deps.changed(connection.id)
    }
    return list
  }

  /** Of the replicas that find it due, the one whose statement changes the row reads. */
  const take = async (): Promise<number | undefined> => {
    const at = sqlTime(now())
    const list = listing.map((_, index) => `$${index + 2}`).join(', ')
    const [due] = await database.select<{ id: number }>(
      `SELECT id FROM wa_connections
       WHERE provider IN (${list}) AND state <> 'deleted' AND templates_due_at <= $1 ORDER BY templates_due_at LIMIT 1`,
      [at, ...listing],
    )
    if (!due) return undefined
    const taken = await database.write(
      'UPDATE wa_connections SET templates_due_at = $2 WHERE id = $1 AND templates_due_at <= $3',
      [due.id, sqlTime(new Date(now().getTime() + leaseMs)), at],
    )
    return taken > 0 ? Number(due.id) : undefined
  }

  return {
    read,
    async reading(connectionId) {
      const [row] = await database.select<Record<'read_at' | 'problem' | 'due_at', string | null>>(
        `SELECT templates_read_at AS read_at, templates_problem AS problem, templates_due_at AS due_at
         FROM wa_connections WHERE id = $1`,
        [connectionId],
      )
      return {
        readAt: fromSqlTime(row?.read_at),
        problem: row?.problem ?? null,
        dueAt: fromSqlTime(row?.due_at),
      }
    },
    async soon(connectionId) {
      const dueAt = sqlTime(new Date(now().getTime() + soonMs))
      await database.write(
        'UPDATE wa_connections SET templates_due_at = $2 WHERE id = $1 AND (templates_due_at IS NULL OR templates_due_at > $2)',
        [connectionId, dueAt],
      )
    },
    async sweep() {
      if (listing.length === 0) return 0
      const id = await take()
      if (id === undefined) return 0
      const connection = await deps.connection(id)
      if (connection && connection.state !== 'deleted') {
        const list = await read(connection)
        if (list && 'failure' in list)
          deps.log.warn({ connectionId: id, reason: list.failure.code }, 'templates could not be read')
      }
      return 1
    },
  }
}
