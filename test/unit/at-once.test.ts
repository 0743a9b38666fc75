import { expect } from 'chai'
import { atOnce } from '../../src/core/calls/at-once.ts'

describe('work that is done at once', () => {
  it('fails with the first failure, and only when nothing of it is under way any more', async () => {
    let underWay = 0
    const work = async (item: number) => {
      underWay++
      await new Promise((resolve) => setTimeout(resolve, item === 1 ? 1 : 20))
      underWay--
      if (item === 1) throw new Error('the first one')
      return item
    }
    const error = await atOnce([1, 2, 3, 4, 5], 2, work).catch((reason: Error) => reason)
    expect(error).to.be.an('error').with.property('message', 'the first one')
    expect(underWay).to.equal(0)
  })

  it('gives the results in the order of the items', async () => {
    const work = async (item: number) => {
      await new Promise((resolve) => setTimeout(resolve, 10 - item))
      return item * 2
    }
    expect(await atOnce([1, 5, 9], 3, work)).to.deep.equal([2, 10, 18])
  })
})
