import { expect } from 'chai'
import { nextLook } from '../../src/core/inbound/matching.ts'

const now = new Date('2026-11-20T06:30:00Z')
const secondsUntil = (tries: number): number | null => {
  const next = nextLook(tries, now)
  return next && (next.getTime() - now.getTime()) / 1_000
}

describe('looking again for a message', () => {
  it('soon at first, then ever more rarely', () => {
    const waits = Array.from({ length: 10 }, (_, tries) => secondsUntil(tries) ?? 0)
    expect(waits).to.deep.equal([1, 5, 30, 120, 600, 3_600, 21_600, 86_400, 172_800, 345_600])
  })

  it('for about a week', () => {
    const total = Array.from({ length: 10 }, (_, tries) => secondsUntil(tries) ?? 0).reduce((sum, wait) => sum + wait)
    expect(total / 86_400).to.be.within(6, 9)
    expect([10, 11, 1_000].map(secondsUntil)).to.deep.equal([null, null, null])
  })
})
