/** What the schemas of several answers are made of. Objects are closed: a field that no schema names is a mistake. */

import { z } from 'zod'

/** ISO 8601, UTC, with milliseconds. */
export const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .meta({ format: 'date-time' })

export const maybeTime = time.nullable()
export const maybeText = z.string().nullable()
/** Ids are text: they may exceed what a JSON number carries exactly. */
export const id = z.string().regex(/^\d+$/)
export const maybeId = id.nullable()
/** Of an account, the one id that is a number. */
export const accountId = z.int().positive()
export const count = z.int().min(0)
export const counts = z.record(z.string(), count)

/** Anything that others made: shown as it came. */
export const asItCame = z.looseObject({})

/** A page of a list; `next` is the `cursor` of the page after it, null on the last one. */
export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: maybeText })

/** Everything at once. */
export const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) })

const fieldError = z.object({ path: z.string(), message: z.string() })
export const fieldErrors = z.array(fieldError)

/** Of every error, as `application/problem+json` (RFC 9457). */
export const problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    errors: fieldErrors.optional(),
    /** In one word, where an event or message was refused. */
    reason: z.string().optional(),
    rejectedEventId: id.optional(),
    bulkId: id.optional(),
    retryAfterSeconds: z.int().positive().optional(),
  })
  .meta({ id: 'Problem' })
