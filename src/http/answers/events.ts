/** Events that came in, and bulks of messages. */

import { z } from 'zod'
import { message } from './messages.ts'
import { accountId, count, counts, fieldErrors, id, maybeText, maybeTime, pageOf, time } from './parts.ts'

export const accepted = z.object({
  eventId: z.string(),
  outcome: z.enum(['queued', 'skipped', 'duplicate', 'refused']),
  reason: z.string().optional(),
  message: message.optional(),
})

export const rejectedEvents = pageOf(
  z.object({
    id,
    source: z.enum(['event', 'webhook']),
    accountId: accountId.nullable(),
    reason: z.string(),
    detail: maybeText,
    state: z.enum(['parked', 'replayed', 'erased']),
    createdAt: z.string(),
    /** Of the whole body, in bytes. */
    size: count,
    /** Its first 4,096 bytes. */
    body: z.string(),
  }),
)

const lineError = z
  .object({ reason: z.string(), detail: z.string(), errors: fieldErrors.optional() })
  .meta({ id: 'BulkError' })
const line = z.int().min(1)
const failedLine = z.object({ line, error: lineError })

const sums = { id, total: count, accepted: count, skipped: count, failed: count }

export const bulkAnswer = z.object({
  ...sums,
  items: z.array(z.union([z.object({ line, messageId: id, reason: z.string().optional() }), failedLine])),
})

export const bulk = z
  .object({
    id,
    accountId,
    state: z.enum(['receiving', 'sending', 'sent', 'cancelled']),
    total: count,
    failed: count,
    statuses: counts,
    createdAt: time,
    completedAt: maybeTime,
    cancelledAt: maybeTime,
  })
  .meta({ id: 'Bulk' })

export const bulkErrors = pageOf(failedLine)
