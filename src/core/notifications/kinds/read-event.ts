/** Reads the event of a kind by its schema, leniently, and says in one word what it lacks. */

import { z } from 'zod'
import { isPresent, object } from '../read-lenient.ts'

/**
 * A field that has to be there.
 * @param read from `read-lenient.ts`: undefined for what cannot be read
 */
export const given = <T>(read: (value: unknown) => T | undefined) =>
  z.unknown().transform((value, context) => {
    const found = read(value)
    if (found !== undefined) return found
    context.addIssue({ code: 'custom', message: isPresent(value) ? invalid : missing })
    return z.NEVER
  })

/** A field that may be absent; what cannot be read counts as absent. */
export const maybe = <T>(read: (value: unknown) => T | undefined) => z.unknown().optional().transform(read)

/** An object within the event; where it is absent, so are its fields. */
export const within = <T extends z.ZodRawShape>(fields: T) =>
  z
    .unknown()
    .transform((value) => object(value) ?? {})
    .pipe(z.object(fields))

const missing = 'missing'
const invalid = 'invalid'

export type EventReading<T> =
  | { readonly ok: true; readonly event: T }
  | { readonly ok: false; readonly reason: string; readonly detail: string }

/** The reason names the first field that is wrong, e.g. `missing_supplier_phone`; the detail names all of them. */
export function readEvent<T>(schema: z.ZodType<T>, event: unknown): EventReading<T> {
  const result = schema.safeParse(event)
  if (result.success) return { ok: true, event: result.data }
  const problems = result.error.issues.map(({ path, message }) => ({
    path,
    word: message === missing ? missing : invalid,
  }))
  const [first] = problems
  return {
    ok: false,
    reason: [first?.word, ...(first?.path ?? [])].join('_').slice(0, longestReason),
    detail: problems.map(({ path, word }) => `${path.join('.')} is ${word}`).join(', '),
  }
}

/** As wide as its column. */
const longestReason = 64
