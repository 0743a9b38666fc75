/**
 * Measures the gateway beside floors: minimal programs that do the same work. Both run in alternation on the same
 * database server, broker and provider, so that their ratio holds although the machine's speed varies.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { type Options, type PhaseName, readOptions, usage, type VariantName } from './options.ts'
import { latency } from './phases/latency.ts'
import { outbound, pass } from './phases/outbound.ts'
import type { Figures, PhaseContext } from './phases/phase.ts'
import { webhooks } from './phases/webhooks.ts'
import { root } from './programs.ts'
import type { Taken } from './provider/provider.ts'
import { type Medians, tableOf } from './report.ts'
import { openStage, type Stage } from './stage.ts'
import { medians } from './statistics.ts'
import { prepareFloor } from './variants/floor.ts'
import { prepareGateway } from './variants/gateway.ts'
import type { Variant } from './variants/variant.ts'

const phases: Readonly<Record<PhaseName, (context: PhaseContext) => Promise<Figures>>> = { outbound, webhooks, latency }
const prepare = { gateway: prepareGateway, floor: prepareFloor }

interface Sample {
  readonly round: number
  readonly phase: PhaseName
  readonly variant: VariantName
  readonly figures: Figures
}

async function run(options: Options): Promise<void> {
  const startedAt = new Date()
  const stage = await openStage(options)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void leave(stage))
  try {
    console.log(`database: ${stage.durability}`)
    const variants: Variant[] = []
    for (const name of options.variants) variants.push(await prepare[name](stage))
    const samples = await measureRounds(stage, variants)
    const result = mediansOf(options, samples)
    console.log(`\n${tableOf(result)}\n`)
    write(options, startedAt, { durability: stage.durability, medians: result, samples })
  } finally {
    await stage.close()
  }
}

/** Interrupted: database and virtual host must not stay behind. Programs end with this process. */
async function leave(stage: Stage): Promise<void> {
  await stage.close()
  process.exit(130)
}

/** Every other round in the other order, so that neither always has the warmer machine. */
async function measureRounds(stage: Stage, variants: readonly Variant[]): Promise<Sample[]> {
  const samples: Sample[] = []
  const messages: Record<VariantName, Taken[]> = { gateway: [], floor: [] }
  for (let round = 1; round <= stage.options.sizes.rounds; round++) {
    for (const phase of stage.options.phases) {
      for (const variant of round % 2 === 1 ? variants : [...variants].reverse()) {
        const figures = await measurePhase(stage, variant, phase, messages[variant.name])
        samples.push({ round, phase, variant: variant.name, figures })
        console.log(`round ${round}  ${phase.padEnd(9)} ${variant.name.padEnd(8)} ${headline(figures)}`)
      }
    }
  }
  return samples
}

/** In a process of its own, so that its memory and profile are its own too. */
async function measurePhase(stage: Stage, variant: Variant, phase: PhaseName, messages: Taken[]): Promise<Figures> {
  if (phase === 'webhooks') await ensureMessages(stage, variant, messages)
  const running = await variant.start(phase === 'webhooks' ? 'webhooks' : 'outbound')
  try {
    return await phases[phase]({ stage, running, messages })
  } finally {
    await running.stop()
  }
}

/** Reports need messages that exist. */
async function ensureMessages(stage: Stage, variant: Variant, messages: Taken[]): Promise<void> {
  const { warmUp, messages: count } = stage.options.sizes
  const missing = warmUp + count - messages.length
  if (missing <= 0) return
  const running = await variant.start('outbound')
  try {
    await pass(stage, missing)
    messages.push(...(await stage.provider.taken()))
  } finally {
    await running.stop()
  }
}

const headline = (figures: Figures): string =>
  Object.entries(figures)
    .slice(0, 5)
    .map(([name, value]) => `${name} ${value.toFixed(1)}`)
    .join('  ')

function mediansOf({ phases: wanted, variants }: Options, samples: readonly Sample[]): Medians {
  const of = (phase: PhaseName, variant: VariantName) =>
    medians(samples.filter((each) => each.phase === phase && each.variant === variant).map(({ figures }) => figures))
  return Object.fromEntries(
    wanted.map((phase) => [phase, Object.fromEntries(variants.map((variant) => [variant, of(phase, variant)]))]),
  )
}

function write(options: Options, startedAt: Date, result: object): void {
  const name = `${startedAt.toISOString().replace(/[:.]/g, '-')}.json`
  const file = options.outFile ?? join(root, 'bench', 'results', name)
  const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ startedAt, machine, options, ...result }, null, 2)}\n`)
  console.log(`written: ${file}`)
}

const limitMs = 30 * 60_000

async function main(): Promise<void> {
  setTimeout(() => {
    console.error('the bench took longer than half an hour')
    process.exit(1)
  }, limitMs).unref()
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
