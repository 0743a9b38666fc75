import { expect } from 'chai'
import { effectiveLimits, type Limits } from '../../src/core/accounts/limits.ts'

const usual: Limits = { messagesPerSecond: 80, concurrency: 40 }
const upgraded: Limits = { messagesPerSecond: 1_000, concurrency: 200 }

describe('limits of a connection', () => {
  const cases: [label: string, limits: Limits, messagesPerSecond: number, concurrency: number][] = [
    ['nothing known', effectiveLimits(usual), 80, 40],
    ['an upgrade', effectiveLimits(usual, undefined, upgraded), 1_000, 200],
    ["an operator's own, above the usual", effectiveLimits(usual, { messagesPerSecond: 200 }), 200, 40],
    [
      "an operator's lower one stays after an upgrade",
      effectiveLimits(usual, { messagesPerSecond: 20 }, upgraded),
      20,
      200,
    ],
    [
      "the provider's word bounds a higher one",
      effectiveLimits(usual, { messagesPerSecond: 5_000 }, upgraded),
      1_000,
      200,
    ],
    ['bad quality', effectiveLimits(usual, undefined, undefined, 'bad'), 40, 40],
    ['medium quality', effectiveLimits(usual, undefined, undefined, 'medium'), 80, 40],
    ['an unknown provider', effectiveLimits(), 10, 10],
  ]
  for (const [label, limits, messagesPerSecond, concurrency] of cases) {
    it(label, () => expect(limits).to.deep.equal({ messagesPerSecond, concurrency }))
  }
})
