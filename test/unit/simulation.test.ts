import { expect } from 'chai'
import type { Session } from '../../src/core/storage/sqlite/session.ts'
import { openTables } from '../simulation/fakes/database.ts'
import { hunt } from '../simulation/many.ts'
import { mutantNames } from '../simulation/mutants.ts'
import { playSideBySide } from '../simulation/side-by-side.ts'
import { play } from '../simulation/world.ts'

const seeds = Number(process.env.SIMULATION_SEEDS ?? 1_000)
/** Far more than any of them needs. */
const seedsPerMutant = 3_000

describe('the protocol, simulated', function () {
  this.timeout(300_000)
  let tables: Session

  before(async () => {
    tables = await openTables()
  })
  after(() => tables.close())

  it(`keeps its promises on ${seeds} bad days`, async () => {
    const { broken, facts } = await playSideBySide(tables, 1, seeds)
    const reports = broken.map(({ seed, violations }) => `seed ${seed}: ${violations.join('; ')}`)
    expect(reports).to.deep.equal([])
    // Days on which nothing happens prove nothing.
    for (const fact of ['accepted', 'deaths', 'doubts', 'unknown', 'possibleDuplicates', 'reports'] as const) {
      expect(facts[fact], fact).to.be.above(seeds / 20)
    }
    for (const fact of ['decidedByHand', 'refusedForToken', 'skipped'] as const)
      expect(facts[fact], fact).to.be.above(seeds / 100)
  })

  it('plays a seed the same way every time', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const [first, second] = [await play(tables, seed), await play(tables, seed)]
      expect(second).to.deep.equal(first)
    }
    expect((await play(tables, 6)).hash).not.to.equal((await play(tables, 7)).hash)
  })

  for (const name of mutantNames) {
    it(`catches a protocol with one rule broken: ${name}`, async () => {
      const caught = await hunt(tables, name, 1, seedsPerMutant)
      expect(caught, `${name} was not caught in ${seedsPerMutant} seeds`).not.to.equal(undefined)
      console.log(`      seed ${caught?.seed}: ${caught?.violations[0]}`)
    })
  }
})
