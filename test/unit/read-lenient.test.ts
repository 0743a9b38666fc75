import { expect } from 'chai'
import fc from 'fast-check'
import * as read from '../../src/core/notifications/read-lenient.ts'

interface Table {
  readonly name: string
  readonly reader: (value: unknown) => unknown
  readonly cases: readonly (readonly [given: unknown, expected: unknown])[]
}

const tables: readonly Table[] = [
  {
    name: 'text',
    reader: read.text,
    cases: [
      ['  a b ', 'a b'],
      ['', undefined],
      ['  ', undefined],
      [null, undefined],
      [undefined, undefined],
      [48884718, '48884718'],
      [0, '0'],
      [1.5, '1.5'],
      [2 ** 53, undefined],
      [Number.NaN, undefined],
      [true, undefined],
      [{}, undefined],
      [[], undefined],
    ],
  },
  {
    name: 'id',
    reader: read.id,
    cases: [
      ['124953537', '124953537'],
      [124953537, '124953537'],
      [' 7 ', '7'],
      ['9007199254740993', '9007199254740993'],
      ['9223372036854775807', '9223372036854775807'],
      ['9223372036854775808', undefined],
      [9007199254740992, undefined],
      [-1, undefined],
      ['1.0', undefined],
      [1.5, undefined],
      ['0x10', undefined],
      ['1e3', undefined],
      ['', undefined],
      [null, undefined],
      [[], undefined],
    ],
  },
  {
    name: 'number',
    reader: read.number,
    cases: [
      ['1550', 1550],
      [1889.0999999999999, 1889.0999999999999],
      ['-2.50', -2.5],
      ['1,5', undefined],
      ['Infinity', undefined],
      ['', undefined],
      [null, undefined],
      [false, undefined],
      [Number.POSITIVE_INFINITY, undefined],
    ],
  },
  {
    name: 'integer',
    reader: read.integer,
    cases: [
      ['14', 14],
      [14, 14],
      ['14.0', 14],
      ['14.5', undefined],
      ['9007199254740993', undefined],
      [null, undefined],
    ],
  },
  {
    name: 'boolean',
    reader: read.boolean,
    cases: [
      ['1', true],
      ['0', false],
      [1, true],
      [0, false],
      [true, true],
      [false, false],
      ['TRUE', true],
      ['yes', undefined],
      ['', undefined],
      [null, undefined],
      [2, undefined],
      [[], undefined],
    ],
  },
  {
    name: 'list',
    reader: read.list,
    cases: [
      [
        [1, 2],
        [1, 2],
      ],
      [{ 0: 'a', 2: 'b' }, ['a', 'b']],
      [{ name: 'a' }, []],
      [[], []],
      [null, []],
      ['ab', []],
    ],
  },
  {
    name: 'object',
    reader: read.object,
    cases: [
      [{ a: 1 }, { a: 1 }],
      [[], {}],
      [[1], undefined],
      [null, undefined],
      ['{}', undefined],
    ],
  },
  {
    name: 'accountId',
    reader: read.accountId,
    cases: [
      [379, 379],
      [' 379 ', 379],
      ['2147483647', 2_147_483_647],
      ['2147483648', undefined],
      [0, undefined],
      ['-5', undefined],
      [3.5, undefined],
      ['acme', undefined],
      [null, undefined],
    ],
  },
  {
    name: 'day',
    reader: read.day,
    cases: [
      ['2026-06-23', '2026-06-23'],
      [' 23-06-2026 ', '2026-06-23'],
      ['2026-06-23 16:06:16', '2026-06-23'],
      ['2026-06-23T23:59:59+05:30', '2026-06-23'],
      ['2026-02-30', undefined],
      ['0000-00-00', undefined],
      ['2026-06-231', undefined],
      ['23/06/2026', undefined],
      ['', undefined],
      [20260623, undefined],
    ],
  },
  {
    name: 'time',
    reader: (value) => read.time(value)?.toISOString(),
    cases: [
      ['2023-06-08 16:06:16', '2023-06-08T10:36:16.000Z'],
      ['08-06-2023', '2023-06-07T18:30:00.000Z'],
      ['08-06-2023 16:06:16', '2023-06-08T10:36:16.000Z'],
      ['2023-06-08', '2023-06-07T18:30:00.000Z'],
      ['2023-06-08T14:58:41Z', '2023-06-08T14:58:41.000Z'],
      ['2023-06-08T14:58:41.5+02:00', '2023-06-08T12:58:41.500Z'],
      ['0000-00-00 00:00:00', undefined],
      ['2023-13-01', undefined],
      ['31-02-2023', undefined],
      ['16:06', undefined],
      ['2023', undefined],
      ['', undefined],
      [null, undefined],
      [1686200000, undefined],
    ],
  },
]

describe('lenient reading', () => {
  for (const { name, reader, cases } of tables) {
    for (const [given, expected] of cases) {
      it(`${name} of ${typeof given === 'number' ? given : JSON.stringify(given)}`, () =>
        expect(reader(given)).to.deep.equal(expected))
    }
  }

  it('takes the first value that is there', () => {
    expect(read.firstPresent('', null, [], 0, 1)).to.equal(0)
    expect(read.firstText({}, ' ', 'b', 'c')).to.equal('b')
  })

  it('follows own properties only', () => {
    const body: unknown = JSON.parse('{"a":{"__proto__":{"b":"evil"},"c":"fine"}}')
    expect(read.at(body, 'a', 'c')).to.equal('fine')
    expect(read.at(body, 'a', '__proto__')).to.equal(undefined)
    expect(read.at(body, 'a', '__proto__', 'b')).to.equal(undefined)
    expect(read.at({}, 'constructor')).to.equal(undefined)
    expect(read.at({}, 'toString', 'name')).to.equal(undefined)
    expect(read.at(Object.create({ inherited: 1 }), 'inherited')).to.equal(undefined)
  })

  it('reads the usual form of a time as it reads the same time in ISO 8601', () => {
    const part = (max: number) => fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, '0'))
    const year = fc.integer({ min: 1998, max: 2102 })
    fc.assert(
      fc.property(year, part(13), part(32), part(25), part(61), part(61), (y, month, day, hour, minute, second) => {
        const [date, clock] = [`${y}-${month}-${day}`, `${hour}:${minute}:${second}`]
        expect(read.time(`${date} ${clock}`)).to.deep.equal(read.time(`${date}T${clock}`))
      }),
      { numRuns: 2_000 },
    )
  })

  it('never throws', () => {
    const readers = tables.map(({ reader }) => reader)
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), fc.string(), (value, key) => {
        for (const reader of readers) reader(value)
        read.at(value, key, key)
      }),
    )
  })
})
