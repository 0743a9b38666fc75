import { expect } from 'chai'
import { addCells, type Cells } from '../../src/core/stats/cells.ts'
import { type Crowd, withLimits, withoutCrowd } from '../../src/core/stats/crowds.ts'
import { readSum, writtenSum } from '../../src/core/stats/stored-sum.ts'

/** Of the scope `agents`: provider, kind, createdBy. */
const byAgent = (name: string): Cells => ({ [JSON.stringify(['meta', 'agent_message', name])]: { queued: 1 } })
const agents = (count: number) => Array.from({ length: count }, (_, index) => byAgent(`agent-${index}`))
/** Of the scope `account`: connection, provider, template, reason, kind, createdBy, isFollowUp. */
const ofAccount = (template: string, createdBy: string): Cells => ({
  [JSON.stringify(['1', 'meta', template, 'r', 'fdr', createdBy, false])]: { queued: 1 },
})

const empty: Crowd = { cells: {}, limits: {} }

function sumOf(changes: readonly Cells[], scope: 'agents' | 'account', sum: Crowd = empty, times = 1): Crowd {
  return changes.reduce<Crowd>(({ cells, limits }, change) => {
    const next = { ...cells }
    addCells(next, withLimits(change, scope, limits), times)
    return withoutCrowd({ cells: next, limits }, scope)
  }, sum)
}

const queued = (cells: Cells) => Object.values(cells).reduce((sum, { queued = 0 }) => sum + Number(queued), 0)
const inOrder = (cells: Cells) => Object.entries(cells).sort(([a], [b]) => (a < b ? -1 : 1))

describe('sums of very many texts', () => {
  it('are left as they are while there are 1,000', () => {
    const { cells, limits } = sumOf([Object.assign({}, ...agents(1_000))], 'agents')
    expect(Object.keys(cells)).to.have.length(1_000)
    expect(limits).to.deep.equal({})
  })

  it('keep 1,000 names and count the rest as one, losing nothing', () => {
    const { cells } = sumOf([Object.assign({}, ...agents(1_500))], 'agents')
    expect(Object.keys(cells)).to.have.length(1_001)
    expect(cells['["meta","agent_message","other"]']).to.deep.equal({ queued: 500 })
  })

  it('are the same in whatever order messages came, in many parts or at once', () => {
    const all = agents(1_030)
    const atOnce = sumOf([Object.assign({}, ...all)], 'agents')
    for (const parts of [all, all.toReversed()]) {
      const { cells, limits } = sumOf([Object.assign({}, ...parts.slice(0, 990)), ...parts.slice(990)], 'agents')
      expect(limits).to.deep.equal(atOnce.limits)
      expect(inOrder(cells)).to.deep.equal(inOrder(atOnce.cells))
    }
  })

  it('come to nothing when all that was added is taken away, also after it was written down', () => {
    const all = Object.assign({}, ...agents(1_200)) as Cells
    const stored = readSum(writtenSum(sumOf([all], 'agents')))
    expect(sumOf([all], 'agents', stored, -1).cells).to.deep.equal({})
  })

  it('name as many authors as fit beside many templates', () => {
    const cells = Object.assign(
      {},
      ...Array.from({ length: 40 }, (_, t) =>
        Array.from({ length: 200 }, (_, a) => ofAccount(`t${t}`, `a${a}`)),
      ).flat(),
    ) as Cells
    const found = sumOf([cells], 'account').cells
    expect(Object.keys(found).length).to.be.within(2_900, 3_000)
    expect(queued(found)).to.equal(8_000)
    const templates = new Set(Object.keys(found).map((key) => (JSON.parse(key) as string[])[2]))
    expect(templates.size).to.equal(40)
  })

  it('give up names of templates in what is charged as well', () => {
    const facts = Object.fromEntries(
      Array.from({ length: 1_400 }, (_, index) => [`charged:${JSON.stringify([null, '91', `t${index}`])}`, 1]),
    )
    const { cells } = sumOf([{ '["meta","fdr",null]': facts }], 'agents')
    const found = cells['["meta","fdr",null]'] ?? {}
    expect(Object.keys(found)).to.have.length(1_001)
    expect(found['charged:[null,"91","other"]']).to.equal(400)
  })
})
