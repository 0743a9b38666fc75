/** The tables of a database, as {@link schemaBreaks} compares them. */

import type { Database } from '../../src/core/storage/database.ts'
import type { ColumnShape, ForeignKey, Schema, TableShape } from './schema-breaks.ts'

export const readSchema = (database: Database): Promise<Schema> =>
  database.dialect === 'mysql' ? readMysql(database) : readSqlite(database)

interface InTable {
  readonly tableName: string
}

interface MysqlColumn extends InTable {
  readonly name: string
  readonly type: string
  readonly collation: string | null
  readonly nullable: 'YES' | 'NO'
  readonly value: string | null
  readonly extra: string
}

const ofThisDatabase = 'TABLE_SCHEMA = DATABASE()'

async function readMysql(database: Database): Promise<Schema> {
  const columns = await database.select<MysqlColumn>(
    `SELECT TABLE_NAME AS tableName, COLUMN_NAME AS name, COLUMN_TYPE AS type, COLLATION_NAME AS collation,
       IS_NULLABLE AS nullable, COLUMN_DEFAULT AS value, EXTRA AS extra
     FROM information_schema.COLUMNS WHERE ${ofThisDatabase}`,
  )
  const unique = await database.select<InTable & { columns: string }>(
    `SELECT TABLE_NAME AS tableName, GROUP_CONCAT(
       CONCAT(COLUMN_NAME, IF(SUB_PART IS NULL, '', CONCAT('(', SUB_PART, ')'))) ORDER BY SEQ_IN_INDEX) AS columns
     FROM information_schema.STATISTICS WHERE ${ofThisDatabase} AND NON_UNIQUE = 0 GROUP BY TABLE_NAME, INDEX_NAME`,
  )
  const foreign = await database.select<InTable & { columns: string; target: string }>(
    `SELECT TABLE_NAME AS tableName, GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) AS columns,
       MIN(REFERENCED_TABLE_NAME) AS target
     FROM information_schema.KEY_COLUMN_USAGE WHERE ${ofThisDatabase} AND REFERENCED_TABLE_NAME IS NOT NULL
     GROUP BY TABLE_NAME, CONSTRAINT_NAME`,
  )
  const checks = await database.select<InTable & { condition: string }>(
    `SELECT t.TABLE_NAME AS tableName, c.CHECK_CLAUSE AS \`condition\`
     FROM information_schema.TABLE_CONSTRAINTS t JOIN information_schema.CHECK_CONSTRAINTS c
       ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME
     WHERE t.TABLE_SCHEMA = DATABASE() AND t.CONSTRAINT_TYPE = 'CHECK'`,
  )
  const names = [...new Set(columns.map(({ tableName }) => tableName))]
  const tableOf = (name: string): TableShape => {
    const here = <T extends InTable>(all: readonly T[]) => all.filter(({ tableName }) => tableName === name)
    return {
      columns: Object.fromEntries(here(columns).map((column) => [column.name, mysqlColumn(column)])),
      unique: here(unique).map((index) => index.columns.split(',')),
      foreignKeys: here(foreign).map((key) => ({ columns: key.columns.split(','), table: key.target })),
      checks: here(checks).map(({ condition }) => condition),
    }
  }
  return Object.fromEntries(names.map((name) => [name, tableOf(name)]))
}

function mysqlColumn({ type, collation, nullable, value, extra }: MysqlColumn): ColumnShape {
  const isNumbered = extra.includes('auto_increment')
  // MariaDB writes the default that is null as a word.
  const hasDefault = value !== null && value !== 'NULL'
  return {
    type,
    ...(collation === null ? {} : { collation }),
    isNullable: nullable === 'YES',
    ...(isNumbered || hasDefault ? { default: isNumbered ? 'auto_increment' : String(value) } : {}),
    ...(/\b(VIRTUAL|STORED|PERSISTENT)\b/i.test(extra) ? { isGenerated: true } : {}),
  }
}

async function readSqlite(database: Database): Promise<Schema> {
  const tables = await database.select<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  )
  const read = tables.map(async ({ name }) => [name, await sqliteTable(database, name)] as const)
  return Object.fromEntries(await Promise.all(read))
}

interface SqliteColumn {
  readonly name: string
  readonly type: string
  readonly notnull: number
  readonly dflt_value: string | null
  readonly pk: number
}

/** SQLite keeps no list of checks; what needs one fails in the other database. */
async function sqliteTable(database: Database, table: string): Promise<TableShape> {
  const columns = await database.select<SqliteColumn>(`SELECT * FROM pragma_table_info('${table}')`)
  const indexes = await database.select<{ columns: string }>(
    `SELECT group_concat(i.name) AS columns FROM pragma_index_list('${table}') l, pragma_index_info(l.name) i
     WHERE l."unique" = 1 GROUP BY l.name`,
  )
  const foreign = await database.select<{ columns: string; target: string }>(
    `SELECT group_concat("from") AS columns, "table" AS target FROM pragma_foreign_key_list('${table}') GROUP BY id`,
  )
  const keys = columns.filter(({ pk }) => pk > 0).map(({ name }) => name)
  return {
    columns: Object.fromEntries(columns.map((column) => [column.name, sqliteColumn(column)])),
    unique: [...indexes.map((index) => index.columns.split(',')), ...(keys.length > 0 ? [keys] : [])],
    foreignKeys: foreign.map((key): ForeignKey => ({ columns: key.columns.split(','), table: key.target })),
    checks: [],
  }
}

/** A key of its own is numbered by itself. */
function sqliteColumn({ type, notnull, dflt_value, pk }: SqliteColumn): ColumnShape {
  const value = dflt_value ?? (pk > 0 && type.toUpperCase() === 'INTEGER' ? 'autoincrement' : null)
  return {
    type: type.toLowerCase(),
    isNullable: notnull === 0 && pk === 0,
    ...(value === null ? {} : { default: value }),
  }
}
