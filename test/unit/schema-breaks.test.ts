import { expect } from 'chai'
import { isWidened } from '../support/column-types.ts'
import { type ColumnShape, type Schema, schemaBreaks, type TableShape } from '../support/schema-breaks.ts'

const text: ColumnShape = { type: 'varchar(64)', collation: 'utf8mb4_bin', isNullable: false }
const nullable: ColumnShape = { ...text, isNullable: true }
const number: ColumnShape = { type: 'int(11)', isNullable: false, default: '0' }

const orders: TableShape = {
  columns: { id: { type: 'bigint(20)', isNullable: false, default: 'auto_increment' }, name: text, tries: number },
  unique: [['id'], ['name']],
  foreignKeys: [],
  checks: ['`tries` >= 0'],
}
const before: Schema = { orders, people: { columns: { id: number }, unique: [], foreignKeys: [], checks: [] } }

const withTable = (changes: Partial<TableShape>): Schema => ({ ...before, orders: { ...orders, ...changes } })
const withColumns = (columns: Record<string, ColumnShape>, unique: string[][] = []): Schema =>
  withTable({ columns: { ...orders.columns, ...columns }, unique: [...orders.unique, ...unique] })
const without = (name: 'name' | 'tries'): Schema => {
  const { [name]: _, ...columns } = orders.columns
  return withTable({ columns })
}
const aTable = (changes: Partial<TableShape> = {}): TableShape => ({
  columns: { id: number, order_id: number },
  unique: [['order_id']],
  foreignKeys: [],
  checks: ['`order_id` > 0'],
  ...changes,
})

const taken: [label: string, after: Schema, breaks: string[]][] = [
  ['a table that is gone', { orders }, ['people is gone']],
  ['a column that is gone', without('tries'), ['orders.tries is gone']],
  [
    'a column with another name',
    withTable({ columns: { ...(without('tries').orders?.columns ?? {}), attempts: number } }),
    ['orders.tries is gone'],
  ],
  [
    'a shorter text',
    withColumns({ name: { ...text, type: 'varchar(32)' } }),
    ['orders.name was varchar(64) and is varchar(32)'],
  ],
  [
    'another order of letters',
    withColumns({ name: { ...text, collation: 'utf8mb4_general_ci' } }),
    ['orders.name was utf8mb4_bin and is utf8mb4_general_ci'],
  ],
  [
    'a default that is gone',
    withColumns({ tries: { type: 'int(11)', isNullable: false } }),
    ['orders.tries is nothing by default, not 0'],
  ],
  ['another default', withColumns({ tries: { ...number, default: '1' } }), ['orders.tries is 1 by default, not 0']],
  [
    'a column that is computed now',
    withColumns({ name: { ...text, isGenerated: true } }),
    ['orders.name cannot be written any more'],
  ],
  [
    'a new column that every row must name',
    withColumns({ slug: text }),
    ['orders.slug is new, and a row without it is refused'],
  ],
  [
    'a new unique index over what is there',
    withTable({ unique: [...orders.unique, ['tries', 'name']] }),
    ['orders has to be unique by (tries, name)'],
  ],
  [
    'one with a new column that has one value for all',
    withColumns({ shop: number }, [['tries', 'shop']]),
    ['orders has to be unique by (tries, shop)'],
  ],
  [
    'a unique index over less of a column',
    withTable({ unique: [['id'], ['name'], ['name(10)']] }),
    ['orders has to be unique by (name(10))'],
  ],
  ['a unique index that is gone', withTable({ unique: [['id']] }), ['orders is not unique by (name) any more']],
  [
    'a new foreign key',
    withTable({ foreignKeys: [{ columns: ['tries'], table: 'people' }] }),
    ['orders has a new foreign key (tries) to people'],
  ],
  [
    'a new table that holds rows of an old one',
    { ...before, lines: aTable({ foreignKeys: [{ columns: ['order_id'], table: 'orders' }] }) },
    ['lines has a new foreign key (order_id) to orders'],
  ],
  ['a new check', withTable({ checks: [...orders.checks, '`tries` < 10'] }), ['orders has a new check: `tries` < 10']],
]

const nothingTaken: [label: string, after: Schema][] = [
  ['nothing', before],
  ['a new table, however strict', { ...before, lines: aTable() }],
  [
    'new tables that point to each other',
    {
      ...before,
      lines: aTable(),
      parts: aTable({ foreignKeys: [{ columns: ['order_id'], table: 'lines' }] }),
    },
  ],
  ['a new column that may be null', withColumns({ slug: nullable })],
  ['a new column with a default', withColumns({ shop: number })],
  ['a new column that is computed', withColumns({ slug: { ...text, isGenerated: true } })],
  ['a longer text', withColumns({ name: { ...text, type: 'varchar(255)' } })],
  ['a column that may be null now', withColumns({ name: nullable })],
  ['a unique index with a new column that is null', withColumns({ slug: nullable }, [['slug', 'tries']])],
  [
    'a check of a new column',
    {
      ...before,
      orders: { ...orders, columns: { ...orders.columns, shop: number }, checks: [...orders.checks, '`shop` >= 0'] },
    },
  ],
  ['the columns of a unique index in another order', withTable({ unique: [['name'], ['id']] })],
]

describe('what a migration takes from the version that still runs', () => {
  for (const [label, after, breaks] of taken)
    it(`${label}: told`, () => expect(schemaBreaks(before, after)).to.deep.equal(breaks))

  it('a column that may not be null any more: told', () =>
    expect(schemaBreaks(withColumns({ name: nullable }), before)).to.deep.equal([
      'orders.name may not be null any more',
    ]))

  for (const [label, after] of nothingTaken)
    it(`${label}: nothing`, () => expect(schemaBreaks(before, after)).to.deep.equal([]))
})

describe('types of columns', () => {
  const wider: [before: string, after: string][] = [
    ['int(11)', 'bigint(20)'],
    ['int(10) unsigned', 'bigint(20)'],
    ['varchar(16)', 'varchar(160)'],
    ['varchar(1024)', 'text'],
    ['text', 'mediumtext'],
    ['blob', 'longblob'],
    ["enum('a','b')", "enum('a','b','c')"],
    ['datetime(3)', 'datetime(3)'],
  ]
  for (const [before, after] of wider) {
    it(`${after} holds what ${before} does`, () => expect(isWidened(before, after)).to.equal(true))
    if (before !== after)
      it(`${before} does not hold what ${after} does`, () => expect(isWidened(after, before)).to.equal(false))
  }

  const different: [before: string, after: string][] = [
    ['int(11)', 'bigint(20) unsigned'],
    ['int(11)', 'varchar(64)'],
    ['varchar(64)', 'tinytext'],
    ['text', 'longblob'],
    ["enum('a','b')", "enum('b','a')"],
    ['datetime(3)', 'datetime(6)'],
    ['decimal(10,2)', 'decimal(12,2)'],
  ]
  for (const [before, after] of different)
    it(`${after} is not read like ${before}`, () => expect(isWidened(before, after)).to.equal(false))
})
