import { expect } from 'chai'
import { createTurns } from '../../src/providers/twin24/turns.ts'

describe('TWIN: turns of heavy calls', () => {
  const clock = () => performance.now()

  it('come one after the other for one key, and the first one at once', async () => {
    const turn = createTurns({ perSecond: 50, clock })
    const startedAt = clock()
    const passed: number[] = []
    await Promise.all(Array.from({ length: 6 }, () => turn('1').then(() => void passed.push(clock() - startedAt))))
    expect(passed[0]).to.be.below(15)
    expect(passed.at(-1)).to.be.at.least(95)
  })

  it('do not wait for those of another key', async () => {
    const turn = createTurns({ perSecond: 1, clock })
    const startedAt = clock()
    await Promise.all(['1', '2', '3'].map(turn))
    expect(clock() - startedAt).to.be.below(500)
  })
})
