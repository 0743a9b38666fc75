/** How the figures change as what the gateway serves grows: each setting in alternation with the same baseline. */

import { baseline, growthTable } from './growth-report.ts'
import { concurrencyFor, type Options, type PhaseName, type Setting } from './options.ts'
import { type Medians, tableOf } from './report.ts'
import { type Contender, measureRounds, mediansOf, type Sample } from './rounds.ts'
import type { OpenStage } from './stage.ts'
import { prepareGateway } from './variants/gateway.ts'

interface Growth {
  readonly name: string
  readonly change: Partial<Setting>
}

/** As far as is demanded. Sizes that are asked for take the place of the largest. */
export function growths({ connections, stored, backlog }: Setting): readonly Growth[] {
  const grown = {
    connections: connections > 1 ? connections : 5_000,
    stored: stored || 5_000_000,
    backlog: backlog || 500_000,
  }
  return [
    { name: '100 connections', change: { connections: 100 } },
    { name: `${shown(grown.connections)} connections`, change: { connections: grown.connections } },
    { name: '2 processes', change: { processes: 2 } },
    { name: '4 processes', change: { processes: 4 } },
    { name: 'provider 50 ms', change: delayed(50) },
    { name: 'provider 300 ms', change: delayed(300) },
    { name: `${shown(grown.backlog)} waiting`, change: { backlog: grown.backlog } },
    { name: `${shown(grown.stored)} stored`, change: { stored: grown.stored } },
  ]
}

const shown = (count: number) => count.toLocaleString('en')
const delayed = (ms: number) => ({ providerDelayMs: ms, concurrency: concurrencyFor(ms) })
const smallest = { connections: 1, stored: 0, backlog: 0, processes: 1, providerDelayMs: 0 }

const compared: readonly PhaseName[] = ['outbound', 'webhooks', 'latency', 'start']

/**
 * A setting that fails is told of and costs no other.
 * @param write told what is known so far after each setting, so that an end before the last loses little
 */
export async function measureGrowth(options: Options, open: OpenStage, write: (result: object) => void): Promise<void> {
  const usual = { ...options, ...smallest, concurrency: concurrencyFor(0) }
  const first = await contender(baseline, usual, open)
  const { durability } = first.stage
  console.log(`database: ${durability}`)
  const samples = await measureRounds({ rounds: 1, phases: ['embedded'] }, [{ ...first, name: 'gateway' }])
  const settings: { name: string; medians: Medians; samples: readonly Sample[] }[] = []
  const failed: string[] = []
  for (const { name, change } of growths(options).filter(({ name }) => name.includes(options.growthOf))) {
    try {
      const own = await measureOne(name, { ...usual, ...change }, first, open)
      settings.push({ name, medians: mediansOf(own), samples: own })
    } catch (error) {
      failed.push(name)
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
    write({ durability, failed, embedded: mediansOf(samples), settings })
  }
  console.log(`\n${tableOf(mediansOf(samples))}\n\n${growthTable(settings)}\n`)
  if (failed.length > 0) throw new Error(`not measured: ${failed.join(', ')}`)
}

async function contender(name: string, options: Options, open: OpenStage): Promise<Contender> {
  const stage = await open(options)
  return { name, stage, variant: await prepareGateway(stage), messages: [] }
}

async function measureOne(name: string, options: Options, first: Contender, open: OpenStage): Promise<Sample[]> {
  console.log(`\n${name}`)
  const grown = await contender(name, options, open)
  try {
    return await measureRounds({ rounds: options.sizes.rounds, phases: compared }, [first, grown])
  } finally {
    await grown.stage.close()
  }
}
