/** What can be asked of a run on its command line. */

import { parseArgs } from 'node:util'

export const phaseNames = ['outbound', 'webhooks', 'latency', 'start', 'embedded'] as const
export type PhaseName = (typeof phaseNames)[number]
export const variantNames = ['gateway', 'floor'] as const
export type VariantName = (typeof variantNames)[number]

/** Loads are counts, so that a run is bounded whatever the speed. */
export interface Sizes {
  /** Times each variant runs; medians are shown. */
  readonly rounds: number
  /** Events per outbound measurement, and webhooks per webhook measurement. */
  readonly messages: number
  /** Messages before the clock starts, for compiled code and prepared statements. */
  readonly warmUp: number
  /** Duration of each latency measurement, as far as there are messages for it. */
  readonly pacedSeconds: number
}

/** What the gateway has around it and behind it. */
export interface Setting {
  /** Sender connections, each of an account of its own; events are spread over them. */
  readonly connections: number
  /** Finished messages in the database beforehand. */
  readonly stored: number
  /** Messages that wait meanwhile, due, for one more connection, which is paused. */
  readonly backlog: number
  /** Gateway processes that share the work. */
  readonly processes: number
  readonly providerDelayMs: number
  /** Messages that each connection may have in flight at the provider. */
  readonly concurrency: number
}

export interface Options extends Setting {
  readonly sizes: Sizes
  readonly phases: readonly PhaseName[]
  readonly variants: readonly VariantName[]
  /** What answers in the provider's place: the thin stub, or the simulator with all its checks. */
  readonly provider: 'stub' | 'simulator'
  /** Measures how the figures change from one setting to the next, instead of one setting. */
  readonly isGrowth: boolean
  /** Part of the names of the settings that this is done for. */
  readonly growthOf: string
  /** Folder for CPU profiles of the measured node processes; none when absent. */
  readonly profileDir: string | undefined
  readonly outFile: string | undefined
}

/** Events per second of the latency measurement. */
export const pacedRate = 100
/** Webhooks per second where their answers are timed. */
export const pacedWebhooks = 1_000

/** Faster than what is measured: so many messages in flight for each millisecond of delay are never the limit. */
const expectedPerMs = 3
const usualConcurrency = 200
const mostConcurrency = 1_000

/** At least rate x delay. */
export const concurrencyFor = (delayMs: number): number =>
  Math.min(mostConcurrency, Math.max(usualConcurrency, delayMs * expectedPerMs))

const full: Sizes = { rounds: 3, messages: 10_000, warmUp: 3_000, pacedSeconds: 10 }
/** Each setting is measured with its baseline beside it. */
const growing: Sizes = { rounds: 2, messages: 6_000, warmUp: 2_000, pacedSeconds: 5 }
const quick: Sizes = { rounds: 1, messages: 2_000, warmUp: 1_000, pacedSeconds: 3 }

const quickPhases: readonly PhaseName[] = ['outbound', 'webhooks', 'latency']

export const usage = `npm run bench -- [--quick] [--rounds n] [--messages n] [--only outbound,webhooks,latency,start,embedded]
  [--variants gateway,floor] [--provider stub|simulator] [--provider-delay ms] [--concurrency n]
  [--connections n] [--stored n] [--backlog n] [--processes n]
  [--growth [--growth-of part-of-a-name]] [--profile folder] [--out file.json]`

/** @throws {Error} with one sentence about the first thing that is wrong */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      'growth-of': { type: 'string', default: '' },
      rounds: { type: 'string' },
      messages: { type: 'string' },
      only: { type: 'string' },
      variants: { type: 'string' },
      provider: { type: 'string', default: 'stub' },
      'provider-delay': { type: 'string' },
      concurrency: { type: 'string' },
      connections: { type: 'string' },
      stored: { type: 'string' },
      backlog: { type: 'string' },
      processes: { type: 'string' },
      profile: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const base = values.growth ? growing : values.quick ? quick : full
  const messages = integer('messages', values.messages, base.messages, 200_000, 1)
  const providerDelayMs = integer('provider-delay', values['provider-delay'], 0, 10_000)
  return {
    sizes: {
      ...base,
      rounds: integer('rounds', values.rounds, base.rounds, 50),
      messages,
      warmUp: Math.min(base.warmUp, messages),
    },
    phases: values.only || !values.quick ? choices('only', values.only, phaseNames) : quickPhases,
    variants: choices('variants', values.variants, variantNames),
    provider: choices('provider', values.provider, ['stub', 'simulator'] as const)[0] ?? 'stub',
    connections: integer('connections', values.connections, 1, 10_000, 1),
    stored: integer('stored', values.stored, 0, 20_000_000),
    backlog: integer('backlog', values.backlog, 0, 2_000_000),
    processes: integer('processes', values.processes, 1, 16, 1),
    providerDelayMs,
    concurrency: integer('concurrency', values.concurrency, concurrencyFor(providerDelayMs), mostConcurrency, 1),
    isGrowth: values.growth,
    growthOf: values['growth-of'],
    profileDir: values.profile,
    outFile: values.out,
  }
}

function integer(name: string, text: string | undefined, otherwise: number, most: number, least = 0): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`--${name} is a number from ${least} to ${most}`)
  return value
}

function choices<T extends string>(name: string, text: string | undefined, known: readonly T[]): readonly T[] {
  if (text === undefined) return known
  return text.split(',').map((word) => {
    const found = known.find((candidate) => candidate === word)
    if (!found) throw new Error(`--${name} can name ${known.join(', ')}; ${word} is none of them`)
    return found
  })
}
