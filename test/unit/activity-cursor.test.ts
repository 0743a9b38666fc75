import { expect } from 'chai'
import { firstOpenGap } from '../../src/core/activity/settled-ids.ts'
import { sqlTime } from '../../src/core/storage/time.ts'

const now = new Date('2026-11-20T06:30:00Z')
const row = (id: number, ageMs: number) => ({ id, created_at: sqlTime(new Date(now.getTime() - ageMs)) })
const young = 5_000
const old = 20_000

/** How many of these rows a reader at this cursor may see. */
const cases: [label: string, cursor: number, rows: [id: number, ageMs: number][], visible: number][] = [
  ['no rows', 7, [], 0],
  [
    'no gap',
    7,
    [
      [8, 0],
      [9, 0],
      [10, 0],
    ],
    3,
  ],
  [
    'a young gap: its row may still come',
    7,
    [
      [8, young],
      [10, young],
      [11, young],
    ],
    1,
  ],
  [
    'a young gap right behind the cursor',
    7,
    [
      [9, young],
      [10, young],
    ],
    0,
  ],
  [
    'an old gap: its row was rolled back',
    7,
    [
      [8, old],
      [10, old],
      [11, young],
    ],
    3,
  ],
  [
    'an old gap before a young one',
    7,
    [
      [8, old],
      [10, old],
      [11, young],
      [13, young],
    ],
    3,
  ],
  ['a gap that has just become old', 7, [[9, 15_000]], 1],
  ['a gap that is not quite old', 7, [[9, 14_999]], 0],
  ['many rows missing', 7, [[1_000_000, young]], 0],
  [
    'the first rows of all, whose ids may begin anywhere',
    0,
    [
      [500, young],
      [501, young],
    ],
    2,
  ],
  [
    'a gap after the first rows of all',
    0,
    [
      [500, young],
      [502, young],
    ],
    1,
  ],
]

describe('activity cursor', () => {
  for (const [label, cursor, rows, visible] of cases) {
    it(`${label}: ${visible} of ${rows.length}`, () => {
      expect(
        firstOpenGap(
          rows.map(([id, ageMs]) => row(id, ageMs)),
          cursor,
          now,
        ),
      ).to.equal(visible)
    })
  }

  it('takes ids as the database gives them, text included', () => {
    const rows = [{ id: '8' as unknown as number, created_at: sqlTime(now) }, row(9, 0)]
    expect(firstOpenGap(rows, 7, now)).to.equal(2)
  })
})
