/** Many messages at once: taken line by line, looked after by their number, cancelled while they wait. */

import { type BulkAnswer, BulkBrokenOffError, type BulkRequest } from '../../core/bulks/accept-bulk.ts'
import { readBulk } from '../../core/bulks/bulk-lines.ts'
import type { Bulk, BulkStore } from '../../core/bulks/bulk-store.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import type { Idempotently } from '../steps/idempotency.ts'
import { rowId } from '../steps/validate.ts'

export interface BulkHandlerDeps {
  readonly accept: (request: BulkRequest) => Promise<BulkAnswer>
  readonly store: Pick<BulkStore, 'get' | 'countStatuses' | 'countErrors' | 'errors' | 'cancel'>
  readonly idempotently: Idempotently
}

export interface BulkQuery {
  readonly accountId?: number | undefined
}

interface ErrorPage {
  readonly limit: number
  /** Line of the last error of the page before. */
  readonly cursor?: number | undefined
}

/** Each holds all of its lines in memory while they are accepted. */
export const mostBulksAtOnce = 8

/** What was accepted of one that broke off goes out: sent again without its key all of it would go out twice. */
const needsKey = 'a bulk needs an Idempotency-Key, by which it goes on where it ended if it breaks off'

export const createBulkHandlers = ({ accept, store, idempotently }: BulkHandlerDeps) => {
  const bulkOf = async (id: string | undefined): Promise<Bulk> => {
    const row = rowId(id)
    const bulk = row === undefined ? undefined : await store.get(row)
    if (!bulk) throw notFound('bulk')
    return bulk
  }
  const shown = async (bulk: Bulk): Promise<Reply> => {
    const statuses = await store.countStatuses(bulk)
    return { status: 200, body: view(bulk, statuses, await store.countErrors(bulk.id)) }
  }
  return {
    async post({ query, headers, body }: RequestFacts<Buffer, BulkQuery>): Promise<Reply> {
      const { accountId } = query
      if (accountId === undefined) throw new HttpProblem(400, 'the query must name the account: ?accountId=')
      if (headers['idempotency-key'] === undefined) throw new HttpProblem(400, needsKey)
      const reading = readBulk(body, headers['content-type'])
      if ('problem' in reading) throw new HttpProblem(reading.isTooLarge ? 413 : 400, reading.problem)
      const request = { accountId, path: '/v1/messages/bulk', headers, content: body }
      const { lines } = reading
      const reply = await idempotently(request, async (key) => ({
        status: 202,
        body: await accept({ accountId, key, lines }).catch(brokenOff),
      }))
      return asLines(headers.accept) ? inLines(reply.body as BulkAnswer) : reply
    },
    get: async ({ params }: RequestFacts): Promise<Reply> => shown(await bulkOf(params.id)),
    async errors({ params, query }: RequestFacts<undefined, ErrorPage>): Promise<Reply> {
      const { id } = await bulkOf(params.id)
      const items = await store.errors(id, query.cursor ?? 0, query.limit)
      return { status: 200, body: { items, next: items.length === query.limit ? String(items.at(-1)?.line) : null } }
    },
    /** What is being sent is not touched; cancelling again changes nothing more. */
    async cancel({ params }: RequestFacts): Promise<Reply> {
      const bulk = await bulkOf(params.id)
      await store.cancel(bulk)
      return shown(await bulkOf(params.id))
    },
  }
}

function brokenOff(error: unknown): never {
  if (!(error instanceof BulkBrokenOffError)) throw error
  const detail =
    'the bulk was broken off; what was accepted goes out. Send it again with the same Idempotency-Key, or cancel it'
  throw new HttpProblem(503, detail, { bulkId: String(error.bulkId), retryAfterSeconds: 1 })
}

const asLines = (accept = ''): boolean => /ndjson/i.test(accept)

/** The sums first, then a line for each line. */
function inLines({ items, ...sums }: BulkAnswer): Reply {
  const body = [sums, ...items].map((line) => `${JSON.stringify(line)}\n`).join('')
  return { status: 202, body, headers: { 'content-type': 'application/x-ndjson' } }
}

const view = (bulk: Bulk, statuses: Readonly<Record<string, number>>, failed: number): object => ({
  id: String(bulk.id),
  accountId: bulk.accountId,
  state: stateOf(bulk, statuses),
  total: bulk.total,
  failed,
  statuses,
  createdAt: bulk.createdAt,
  completedAt: bulk.completedAt,
  cancelledAt: bulk.cancelledAt,
})

function stateOf(bulk: Bulk, { queued = 0 }: Readonly<Record<string, number>>): string {
  if (bulk.cancelledAt) return 'cancelled'
  if (!bulk.completedAt) return 'receiving'
  return queued > 0 ? 'sending' : 'sent'
}
