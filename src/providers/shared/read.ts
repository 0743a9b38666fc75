/**
 * Lenient readers for parsed vendor JSON: what is absent, of another type or inherited (`constructor`, `__proto__`)
 * reads as undefined.
 */

export type JsonRecord = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An own field of an object. */
export const fieldOf = (value: unknown, key: string): unknown =>
  isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined

export function recordOf(value: unknown, key: string): JsonRecord | undefined {
  const field = fieldOf(value, key)
  return isRecord(field) ? field : undefined
}

/** A list; absent or anything else reads as empty. */
export function listOf(value: unknown, key: string): readonly unknown[] {
  const field = fieldOf(value, key)
  return Array.isArray(field) ? field : []
}

/** A text that is not empty, or a number as text: vendors write ids and codes both ways. */
export function textOf(value: unknown, key: string): string | undefined {
  const field = fieldOf(value, key)
  if (typeof field === 'number' && Number.isFinite(field)) return String(field)
  return typeof field === 'string' && field !== '' ? field : undefined
}

/** Parses JSON; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The object without its undefined fields, so that absent means absent. */
export type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

export const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>
