/** Small tools to look at JSON of unknown shape. */

export type Fields = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {})

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export const isFilled = (value: unknown): value is string => typeof value === 'string' && value.length > 0

/** Counts characters as a person does: an emoji outside the basic plane is one. */
export const isLongerThan = (text: string, limit: number): boolean =>
  text.length > limit && Array.from(text).length > limit

/** The first field that is not allowed, if any. */
export function strangeKey(value: Fields, allowed: ReadonlySet<string>): string | undefined {
  for (const key in value) if (!allowed.has(key)) return key
  return undefined
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
