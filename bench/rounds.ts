/** Measures phase by phase, round by round, in alternation. */

import type { PhaseName } from './options.ts'
import { embedded } from './phases/embedded.ts'
import { latency } from './phases/latency.ts'
import { outbound, pass, warmUpOf } from './phases/outbound.ts'
import type { Figures, PhaseContext } from './phases/phase.ts'
import { start } from './phases/start.ts'
import { webhooks } from './phases/webhooks.ts'
import type { Taken } from './provider/provider.ts'
import type { Medians } from './report.ts'
import type { Stage } from './stage.ts'
import { medians } from './statistics.ts'
import type { Variant, Work } from './variants/variant.ts'

interface Phase {
  readonly work: Work
  readonly hasFloor: boolean
  readonly measure: (context: PhaseContext) => Promise<Figures>
}

const phases: Readonly<Record<PhaseName, Phase>> = {
  outbound: { work: 'outbound', hasFloor: true, measure: outbound },
  webhooks: { work: 'webhooks', hasFloor: true, measure: webhooks },
  latency: { work: 'outbound', hasFloor: true, measure: latency },
  start: { work: 'outbound', hasFloor: false, measure: start },
  embedded: { work: 'embedded', hasFloor: false, measure: embedded },
}

/** One of those that are compared: a variant on its stage. */
export interface Contender {
  readonly name: string
  readonly stage: Stage
  readonly variant: Variant
  /** Messages of this one that the provider took and no report was sent about. */
  readonly messages: Taken[]
}

export interface Sample {
  readonly round: number
  readonly phase: PhaseName
  readonly contender: string
  readonly figures: Figures
}

export interface Plan {
  readonly rounds: number
  readonly phases: readonly PhaseName[]
}

/** Every other round in the other order, so that none always has the warmer machine. */
export async function measureRounds(plan: Plan, contenders: readonly Contender[]): Promise<Sample[]> {
  const samples: Sample[] = []
  const width = Math.max(...contenders.map(({ name }) => name.length))
  for (let round = 1; round <= plan.rounds; round++) {
    for (const phase of plan.phases) {
      const able = contenders.filter(({ variant }) => variant.name !== 'floor' || phases[phase].hasFloor)
      for (const contender of round % 2 === 1 ? able : [...able].reverse()) {
        const figures = await measurePhase(contender, phase)
        samples.push({ round, phase, contender: contender.name, figures })
        console.log(`round ${round}  ${phase.padEnd(9)} ${contender.name.padEnd(width)} ${headline(figures)}`)
      }
    }
  }
  return samples
}

/** In processes of its own, so that their memory and profile are its own too. */
async function measurePhase(contender: Contender, name: PhaseName): Promise<Figures> {
  const { stage, variant, messages } = contender
  const phase = phases[name]
  if (phase.work === 'webhooks') await ensureMessages(contender)
  const running = await variant.start(phase.work)
  try {
    return await phase.measure({ stage, running, messages })
  } finally {
    await running.stop()
  }
}

/** Reports need messages that exist. */
async function ensureMessages({ stage, variant, messages }: Contender): Promise<void> {
  const missing = warmUpOf(stage) + stage.options.sizes.messages - messages.length
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

export function mediansOf(samples: readonly Sample[]): Medians {
  const result: Record<string, Record<string, Figures>> = {}
  for (const { phase, contender } of samples) {
    const own = samples.filter((each) => each.phase === phase && each.contender === contender)
    result[phase] = { ...result[phase], [contender]: medians(own.map(({ figures }) => figures)) }
  }
  return result
}
