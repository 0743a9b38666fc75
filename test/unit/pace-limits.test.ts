import { expect } from 'chai'
import type { Account } from '../../src/providers/simulator/inputs.ts'
import { createPaceLimits } from '../../src/providers/simulator/pace-limits.ts'

const aNumber = (phoneNumberId: string, messagesPerSecond?: number) => ({ phoneNumberId, messagesPerSecond }) as Account
const limited = aNumber('1', 10)

/** How many of so many messages, evenly spread over a time, are refused. */
function refusedOf(count: number, overMs: number): number {
  const isTooFast = createPaceLimits()
  return Array.from({ length: count }, (_, n) => isTooFast(limited, (n * overMs) / count)).filter(Boolean).length
}

describe('pace limits of the simulator', () => {
  it('never refuse who sends at the limit, and refuse what is above it in the long run', () => {
    expect(refusedOf(1_000, 100_000)).to.equal(0)
    expect(refusedOf(1_200, 100_000)).to.be.within(185, 195)
  })

  it('forgive a second of messages at once, and no more', () => {
    expect(refusedOf(10, 1)).to.equal(0)
    expect(refusedOf(15, 1)).to.equal(5)
  })

  it('belong to one number each; a number without a limit has none', () => {
    const isTooFast = createPaceLimits()
    for (let n = 0; n < 10; n++) isTooFast(limited, 0)
    expect(isTooFast(limited, 0)).to.equal(true)
    expect(isTooFast(aNumber('2', 10), 0)).to.equal(false)
    expect(Array.from({ length: 1_000 }, () => isTooFast(aNumber('3'), 0))).not.to.include(true)
  })
})
