/** The story of a bulk: its lines are accepted in groups, each answered for itself. */

import type { z } from 'zod'
import type { EventResult } from '../notifications/accept-event.ts'
import { type AgentMessage, agentMessageSchema } from '../notifications/kinds/agent-message.ts'
import { object } from '../notifications/read-lenient.ts'
import { BatcherFullError } from '../storage/batcher.ts'
import { isDatabaseAway, isTransient } from '../storage/database-errors.ts'
import type { BulkLine } from './bulk-lines.ts'
import { type BulkStore, bulkMessageKey } from './bulk-store.ts'

/** What became of a line: a message, perhaps one that is only written down, or an error and nothing written. */
export type BulkItem =
  | { readonly line: number; readonly messageId: string; readonly reason?: string }
  | { readonly line: number; readonly error: BulkError }

export interface BulkError {
  /** In one word. */
  readonly reason: string
  readonly detail: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
}

export interface BulkAnswer {
  readonly id: string
  readonly total: number
  /** Messages that go out. */
  readonly accepted: number
  readonly skipped: number
  /** Lines of which nothing was written. */
  readonly failed: number
  readonly items: readonly BulkItem[]
}

export interface BulkRequest {
  readonly accountId: number
  /** The same however often the same bulk is sent. */
  readonly key: string
  readonly lines: readonly BulkLine[]
}

export interface BulkDeps {
  readonly store: BulkStore
  /** Resolves once the message is committed. */
  readonly accept: (message: AgentMessage, key: string, asking: { readonly bulkId: number }) => Promise<EventResult>
}

/** It cannot go on for now. What was accepted goes out; the same request goes on where this one ended. */
export class BulkBrokenOffError extends Error {
  override readonly name = 'BulkBrokenOffError'
  readonly bulkId: number

  constructor(bulkId: number, cause: unknown) {
    super('a bulk was broken off', { cause })
    this.bulkId = bulkId
  }
}

/** As many as one transaction takes. */
const groupSize = 64

/** @throws {BulkBrokenOffError} */
export async function acceptBulk(deps: BulkDeps, { accountId, key, lines }: BulkRequest): Promise<BulkAnswer> {
  const bulk = await deps.store.open(accountId, key, lines.length)
  const items: BulkItem[] = []
  try {
    for (let from = 0; from < lines.length; from += groupSize)
      items.push(...(await acceptGroup(deps, bulk, lines.slice(from, from + groupSize))))
    await deps.store.complete(bulk.id)
  } catch (error) {
    throw new BulkBrokenOffError(bulk.id, error)
  }
  const skipped = items.filter((item) => 'reason' in item).length
  const failed = items.filter((item) => 'error' in item).length
  const accepted = items.length - skipped - failed
  return { id: String(bulk.id), total: items.length, accepted, skipped, failed, items }
}

interface Place {
  readonly id: number
  readonly accountId: number
}

async function acceptGroup(deps: BulkDeps, bulk: Place, lines: readonly BulkLine[]): Promise<BulkItem[]> {
  const results = await Promise.all(lines.map((line) => acceptLine(deps, bulk, line)))
  // Accepted when the bulk was sent before; what became of them then is in their rows.
  const repeated = results.flatMap(({ repeatedId }) => repeatedId ?? [])
  const reasons = repeated.length > 0 ? await deps.store.skipped(repeated) : new Map<number, string>()
  const items = results.map(({ item, repeatedId }) => {
    const reason = repeatedId === undefined ? undefined : reasons.get(repeatedId)
    return reason === undefined ? item : { ...item, reason }
  })
  await deps.store.saveErrors(
    bulk.id,
    items.flatMap((item) => ('error' in item ? [item] : [])),
  )
  return items
}

interface LineResult {
  readonly item: BulkItem
  readonly repeatedId?: number
}

async function acceptLine({ accept }: BulkDeps, bulk: Place, bulkLine: BulkLine): Promise<LineResult> {
  const { line } = bulkLine
  const failed = (error: BulkError): LineResult => ({ item: { line, error } })
  try {
    const reading = readLine(bulkLine, bulk.accountId)
    if ('error' in reading) return failed(reading.error)
    const result = await accept(reading.message, bulkMessageKey(bulk.id, line), { bulkId: bulk.id })
    const { messageId, outcome, reason = outcome, detail = '' } = result
    if (messageId === undefined) return failed({ reason, detail })
    const item = { line, messageId: String(messageId) }
    if (outcome === 'duplicate') return { item, repeatedId: messageId }
    return { item: outcome === 'skipped' ? { ...item, reason } : item }
  } catch (error) {
    if (isPassing(error)) throw error
    return failed({ reason: 'not_storable', detail: 'the message could not be written' })
  }
}

const mostIssues = 20
/** Of them all, written down; they name what the line says, which may be long. */
const mostIssueBytes = 8 * 1024

/** Enough to mend the line by, and never more than is worth keeping. */
function firstIssues(issues: readonly z.core.$ZodIssue[]): NonNullable<BulkError['errors']> {
  const kept: { path: string; message: string }[] = []
  let bytes = 0
  for (const issue of issues.slice(0, mostIssues)) {
    const short = { path: issue.path.join('.').slice(0, 128), message: issue.message.slice(0, 256) }
    bytes += Buffer.byteLength(JSON.stringify(short))
    if (bytes > mostIssueBytes) break
    kept.push(short)
  }
  return kept
}

/** A fault of the moment, not of the line. */
const isPassing = (error: unknown): boolean =>
  isDatabaseAway(error) || isTransient(error) || error instanceof BatcherFullError

function readLine(line: BulkLine, accountId: number): { message: AgentMessage } | { error: BulkError } {
  const parsed = line.parse()
  if (!parsed.ok) return { error: { reason: parsed.reason, detail: parsed.detail } }
  const fields = object(parsed.value)
  if (!fields) return { error: { reason: 'not_an_object', detail: 'the line is not a JSON object' } }
  const result = agentMessageSchema.safeParse({ accountId, ...fields })
  if (!result.success) {
    return { error: { reason: 'invalid', detail: 'the line is not valid', errors: firstIssues(result.error.issues) } }
  }
  return result.data.accountId === accountId
    ? { message: result.data }
    : { error: { reason: 'unknown_account', detail: 'there is no such account' } }
}
