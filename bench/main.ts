/**
 * Measures the gateway beside floors: minimal programs that do the same work. Both run in alternation on the same
 * database server, broker and provider, so that their ratio holds although the machine's speed varies.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { ensureServices } from '../scripts/services.ts'
import { measureGrowth } from './growth.ts'
import { type Options, readOptions, usage } from './options.ts'
import { results } from './programs.ts'
import { tableOf } from './report.ts'
import { type Contender, measureRounds, mediansOf } from './rounds.ts'
import { type OpenStage, openStage } from './stage.ts'
import { prepareFloor } from './variants/floor.ts'
import { prepareGateway } from './variants/gateway.ts'

const prepare = { gateway: prepareGateway, floor: prepareFloor }
const limitMs = 30 * 60_000

async function run(options: Options): Promise<void> {
  const startedAt = new Date()
  const services = await ensureServices()
  const closes: (() => Promise<void>)[] = [services.stop]
  /** Interrupted or not: databases and virtual hosts must not stay behind. Programs end with this process. */
  const close = async () => {
    for (const part of [...closes].reverse()) await part()
  }
  let isLeaving = false
  const leave = async (why: string, code: number) => {
    // A terminal sends the same signal to npm and to us, so it may come twice.
    if (isLeaving) return
    isLeaving = true
    console.error(why)
    await close()
    process.exit(code)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void leave(signal, 130))
  setTimeout(() => void leave('the bench took longer than half an hour', 1), limitMs).unref()
  const open: OpenStage = (own) => openStage(own, services, (part) => void closes.push(part))
  try {
    const writeDown = (result: object) => write(options, startedAt, result)
    await (options.isGrowth ? measureGrowth : compare)(options, open, writeDown)
  } finally {
    await close()
  }
}

/** The gateway beside its floor. */
async function compare(options: Options, open: OpenStage, writeDown: (result: object) => void): Promise<void> {
  const stage = await open(options)
  console.log(`database: ${stage.durability}`)
  const contenders: Contender[] = []
  for (const name of options.variants)
    contenders.push({ name, stage, variant: await prepare[name](stage), messages: [] })
  const samples = await measureRounds({ rounds: options.sizes.rounds, phases: options.phases }, contenders)
  const medians = mediansOf(samples)
  console.log(`\n${tableOf(medians)}\n`)
  writeDown({ durability: stage.durability, medians, samples })
}

function write(options: Options, startedAt: Date, result: object): void {
  const name = `${startedAt.toISOString().replace(/[:.]/g, '-')}.json`
  const file = options.outFile ?? join(results, name)
  const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ startedAt, machine, options, ...result }, null, 2)}\n`)
  console.log(`written: ${file}`)
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return console.log(usage)
  await run(readOptions(process.argv.slice(2)))
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error))
    process.exit(1)
  },
)
