/**
 * What a migration takes from the version that still runs: whatever that version reads is there and as it was, and
 * whatever it writes is still taken. Tables, columns and plain indexes that are new take nothing from it.
 */

import { isWidened } from './column-types.ts'

export interface ColumnShape {
  /** As the database writes it, e.g. `varchar(64)`. */
  readonly type: string
  readonly collation?: string
  readonly isNullable: boolean
  /** What it is for a row that does not name it, in SQL; undefined = null, or the row is refused. */
  readonly default?: string
  /** Nobody can write it. */
  readonly isGenerated?: boolean
}

export interface ForeignKey {
  readonly columns: readonly string[]
  /** The table that is pointed to. */
  readonly table: string
}

export interface TableShape {
  readonly columns: Readonly<Record<string, ColumnShape>>
  /** Columns of each unique index, the primary key's included; `name(10)` where only a beginning counts. */
  readonly unique: readonly (readonly string[])[]
  readonly foreignKeys: readonly ForeignKey[]
  /** Conditions of checks, in SQL. */
  readonly checks: readonly string[]
}

export type Schema = Readonly<Record<string, TableShape>>

/** One sentence for each thing that an earlier version would miss or be refused; empty = it goes on. */
export const schemaBreaks = (before: Schema, after: Schema): string[] => [
  ...Object.entries(before).flatMap(([name, table]) => {
    const now = after[name]
    return now ? tableBreaks(table, now).map((what) => `${name}${what}`) : [`${name} is gone`]
  }),
  ...Object.entries(after).flatMap(([name, { foreignKeys }]) =>
    foreignKeys
      .filter((key) => (name in before || key.table in before) && !hasForeignKey(before[name], key))
      .map((key) => `${name} has a new foreign key (${key.columns.join(', ')}) to ${key.table}`),
  ),
]

const hasForeignKey = (table: TableShape | undefined, { columns, table: target }: ForeignKey): boolean =>
  table?.foreignKeys.some((key) => key.table === target && isSame(key.columns, columns)) ?? false

const tableBreaks = (before: TableShape, after: TableShape): string[] => [
  ...Object.entries(before.columns).flatMap(([name, column]) => {
    const now = after.columns[name]
    return now ? columnBreaks(column, now).map((what) => `.${name} ${what}`) : [`.${name} is gone`]
  }),
  ...Object.entries(after.columns)
    .filter(([name, column]) => !(name in before.columns) && mustBeNamed(column))
    .map(([name]) => `.${name} is new, and a row without it is refused`),
  ...uniqueBreaks(before, after),
  ...checkBreaks(before, after),
]

const mustBeNamed = ({ isNullable, default: value, isGenerated }: ColumnShape): boolean =>
  !isNullable && value === undefined && !isGenerated

function columnBreaks(before: ColumnShape, after: ColumnShape): string[] {
  const found: string[] = []
  if (!isWidened(before.type, after.type)) found.push(`was ${before.type} and is ${after.type}`)
  if (before.collation !== after.collation) found.push(`was ${before.collation} and is ${after.collation}`)
  if (before.isNullable && !after.isNullable) found.push('may not be null any more')
  if (before.default !== after.default)
    found.push(`is ${after.default ?? 'nothing'} by default, not ${before.default ?? 'nothing'}`)
  if (!before.isGenerated && after.isGenerated) found.push('cannot be written any more')
  return found
}

/** Inserts lean on unique indexes as well: without one a repeat is no repeat. */
const uniqueBreaks = (before: TableShape, after: TableShape): string[] => [
  ...before.unique
    .filter((index) => !hasIndex(after, index))
    .map((index) => ` is not unique by ${told(index)} any more`),
  ...after.unique
    .filter((index) => !hasIndex(before, index) && !isOpenTo(index, before, after))
    .map((index) => ` has to be unique by ${told(index)}`),
]

const hasIndex = ({ unique }: TableShape, index: readonly string[]): boolean =>
  unique.some((other) => isSame([...other].sort(), [...index].sort()))

/** Rows of an earlier version leave a new column null, and nulls never collide; a default would be one for all. */
const isOpenTo = (index: readonly string[], before: TableShape, after: TableShape): boolean =>
  index.some((name) => {
    const column = after.columns[name]
    return !(name in before.columns) && column?.isNullable && column.default === undefined && !column.isGenerated
  })

const checkBreaks = (before: TableShape, after: TableShape): string[] =>
  after.checks
    .filter((check) => !before.checks.includes(check))
    .filter((check) => Object.keys(before.columns).some((name) => wordsOf(check).includes(name)))
    .map((check) => ` has a new check: ${check}`)

const wordsOf = (sql: string): string[] => sql.match(/\w+/g) ?? []
const told = (index: readonly string[]) => `(${index.join(', ')})`
const isSame = (one: readonly string[], other: readonly string[]) => one.join() === other.join()
