/** Types of columns, and which of them hold everything that another one does. */

/** Bits of each, without the sign. */
const integers: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 }
/** Bytes that fit. */
const texts: Readonly<Record<string, number>> = {
  tinytext: 2 ** 8 - 1,
  text: 2 ** 16 - 1,
  mediumtext: 2 ** 24 - 1,
  longtext: 2 ** 32 - 1,
}
const blobs: Readonly<Record<string, number>> = {
  tinyblob: 2 ** 8 - 1,
  blob: 2 ** 16 - 1,
  mediumblob: 2 ** 24 - 1,
  longblob: 2 ** 32 - 1,
}
/** Of a character of utf8mb4. */
const bytesPerCharacter = 4

interface Holds {
  /** Values of one family are read alike. */
  readonly family: 'integer' | 'text' | 'bytes' | 'enum'
  /** The greatest number, or bytes that fit. */
  readonly most: number
  readonly least: number
  /** Of an enum, in their order. */
  readonly values: readonly string[]
}

/** Is every value of `before` one of `after`, that is read as it was? What is not known here has to stay as it is. */
export function isWidened(before: string, after: string): boolean {
  if (before === after) return true
  const [one, other] = [holds(before), holds(after)]
  if (!one || !other || one.family !== other.family) return false
  return other.most >= one.most && other.least <= one.least && one.values.every((value, n) => other.values[n] === value)
}

function holds(type: string): Holds | undefined {
  const [, name = '', inside = '', rest = ''] = /^(\w+)(?:\((.*)\))?(.*)$/.exec(type.toLowerCase()) ?? []
  const size = Number(inside)
  const upTo = (family: Holds['family'], most: number): Holds => ({ family, most, least: 0, values: [] })
  if (name in integers) return integer(integers[name] ?? 0, rest.includes('unsigned'))
  if (name in texts) return upTo('text', texts[name] ?? 0)
  if (name in blobs) return upTo('bytes', blobs[name] ?? 0)
  if (name === 'varchar') return upTo('text', size * bytesPerCharacter)
  if (name === 'varbinary') return upTo('bytes', size)
  // Values are sorted by their place: new ones come at the end.
  if (name === 'enum') return { ...upTo('enum', 0), values: inside.split(',') }
  return undefined
}

const integer = (bits: number, isUnsigned: boolean): Holds => ({
  family: 'integer',
  most: isUnsigned ? 2 ** bits - 1 : 2 ** (bits - 1) - 1,
  least: isUnsigned ? 0 : -(2 ** (bits - 1)),
  values: [],
})
