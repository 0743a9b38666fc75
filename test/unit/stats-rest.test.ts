import { expect } from 'chai'
import { restAfter } from '../../src/core/stats/sweep-stats.ts'

describe('the rest after a turn of counting', () => {
  const cases: [turnMs: number, left: number, restMs: number][] = [
    [500, 0, 2_000],
    [500, 32, 1_000],
    [500, 1_000, 500],
    [100, 1_000, 100],
    [5_000, 0, 3_000],
    [5_000, 1_000, 3_000],
  ]
  for (const [turnMs, left, restMs] of cases)
    it(`of ${turnMs} ms with ${left} blocks left is ${restMs} ms`, () =>
      expect(restAfter(turnMs, left)).to.equal(restMs))
})
