/**
 * Plays seeds: `node --import tsx test/simulation/main.ts --seeds 2000 --from 1`. With `--mutant <name>` (or `all`) until
 * the mutant is caught, with `--trace` all that happens. A seed that fails is printed and plays the same again.
 */

import { parseArgs } from 'node:util'
import { openTables } from './fakes/database.ts'
import { hunt, playMany } from './many.ts'
import { type MutantName, mutantNames } from './mutants.ts'
import { play } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    trace: { type: 'boolean', default: false },
    /** Everything about the seeds, for a program. */
    json: { type: 'boolean', default: false },
  },
})
const from = Number(values.from)
const seeds = Number(values.seeds)
const tables = await openTables()

async function playSound() {
  const startedAt = performance.now()
  const { broken, facts } = await playMany(tables, from, seeds)
  for (const { seed, violations } of broken.slice(0, 20)) console.log(`seed ${seed}: ${violations.join('; ')}`)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${seeds} seeds from ${from} in ${seconds} s: ${broken.length} broken`, JSON.stringify(facts))
  if (broken.length > 0) process.exitCode = 1
}

async function playMutants(names: readonly MutantName[]) {
  for (const name of names) {
    const caught = await hunt(tables, name, from, seeds)
    if (!caught) process.exitCode = 1
    const verdict = caught ? `caught at seed ${caught.seed}: ${caught.violations[0]}` : `NOT caught in ${seeds} seeds`
    console.log(`${name}: ${verdict}`)
  }
}

const chosen = mutantNames.filter((name) => values.mutant === 'all' || values.mutant === name)
if (values.mutant && chosen.length === 0) throw new Error(`no such mutant; there are: ${mutantNames.join(', ')}`)
if (values.trace) console.log(await play(tables, from, { mutant: chosen[0], log: console.log }))
else if (values.json) console.log(JSON.stringify(await playMany(tables, from, seeds)))
else if (chosen.length > 0) await playMutants(chosen)
else await playSound()
process.stdout.write('', () => process.exit())
