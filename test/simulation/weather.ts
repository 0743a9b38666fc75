/** What kind of day a seed is: each one mixes its faults anew, since some errors only show in some weather. */

import type { DoubtPolicy } from '../../src/core/sending/resolve-doubt.ts'
import type { Random } from './random.ts'

export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

/** What the provider does with a request; the numbers are weights. */
export interface Manners {
  readonly accepts: number
  readonly refuses: number
  readonly throttles: number
  /** Not reached at all. */
  readonly unreachable: number
  readonly faultBefore: number
  readonly faultAfter: number
  /** Accepted, and the answer gets lost. */
  readonly dropsAnswer: number
  /** Accepted after the caller has given up. */
  readonly tooSlow: number
}

export interface Weather {
  readonly events: number
  readonly spanMs: number
  readonly recipients: number
  readonly publishedTwice: number
  readonly malformed: number
  /** Useful for so long only, instead of for hours. */
  readonly shortLived: number
  readonly database: { readonly failsBefore: number; readonly failsAfter: number; readonly deadlocks: number }
  /** Probability that a process dies between an effect and the answer to it. */
  readonly diesAtEdge: number
  /** Probability that it stands still there. */
  readonly freezesAtEdge: number
  readonly kills: number
  readonly freezes: number
  /** Token of a connection: refused for so long, from somewhere in the span, until somebody stores a new one. */
  readonly revokedMs: number
  /** Recipients who want no more messages, from somewhere in the span on. */
  readonly stops: number
  /** Somebody decides about messages whose fate is not known. */
  readonly hasOperator: boolean
  readonly downMs: Range
  readonly manners: Manners
  readonly reportDelay: Range
  readonly reportTwice: number
  readonly reportsReordered: boolean
  /** Not every report carries our reference. */
  readonly echoesOnly: 'all' | 'first'
  /** No webhook arrives for so long, from somewhere in the span. */
  readonly webhookOutageMs: number
  readonly policy: DoubtPolicy
  readonly hasFallback: boolean
  readonly concurrency: number
  readonly messagesPerSecond: number
  readonly sweepEveryMs: number
  /** Both processes look for due rows at the same moment. */
  readonly sweepsTogether: boolean
  /** Nothing delays reports for long, so silence does mean that nothing was sent. */
  readonly isMild: boolean
}

const range = (fromMs: number, toMs: number): Range => ({ fromMs, toMs })

export function forecast(random: Random): Weather {
  const weather = mixed(random)
  const kind = random.weighted({ mixed: 8, mild: 1, doubtful: 1 })
  if (kind === 'mild') return { ...weather, ...mild }
  if (kind === 'doubtful') return { ...weather, ...doubtful, manners: { ...weather.manners, ...doubtfulManners } }
  return weather
}

const mild = {
  isMild: true,
  diesAtEdge: 0,
  freezesAtEdge: 0,
  kills: 0,
  freezes: 0,
  hasOperator: false,
  reportDelay: range(50, 8_000),
  webhookOutageMs: 0,
} as const satisfies Partial<Weather>

/** Answers get lost, reports come late, and what is sent again goes another way. */
const doubtful = {
  events: 10,
  spanMs: 1_800_000,
  reportDelay: range(60_000, 1_500_000),
  hasFallback: true,
} as const satisfies Partial<Weather>
const doubtfulManners = { unreachable: 0.5, dropsAnswer: 0.4 }

function mixed(random: Random): Weather {
  const trouble = (most: number) => (random.chance(0.6) ? random.next() * most : 0)
  return {
    events: random.between(3, 8),
    spanMs: random.pick([2_000, 60_000, 600_000, 1_800_000]),
    recipients: random.between(2, 8),
    publishedTwice: trouble(0.4),
    malformed: trouble(0.15),
    shortLived: trouble(0.2),
    database: { failsBefore: trouble(0.08), failsAfter: trouble(0.08), deadlocks: trouble(0.05) },
    diesAtEdge: trouble(0.03),
    freezesAtEdge: random.chance(0.3) ? random.next() * 0.01 : 0,
    kills: random.between(0, 3),
    freezes: random.chance(0.3) ? 1 : 0,
    revokedMs: random.chance(0.25) ? random.between(5_000, 900_000) : 0,
    stops: random.chance(0.4) ? random.between(1, 2) : 0,
    hasOperator: random.chance(0.3),
    downMs: random.pick([range(100, 2_000), range(2_000, 60_000)]),
    manners: {
      accepts: 1,
      refuses: trouble(0.15),
      throttles: trouble(0.15),
      unreachable: trouble(0.2),
      faultBefore: trouble(0.15),
      faultAfter: trouble(0.15),
      dropsAnswer: trouble(0.2),
      tooSlow: trouble(0.1),
    },
    reportDelay: random.pick([range(1, 500), range(50, 8_000), range(2_000, 180_000), range(60_000, 1_500_000)]),
    reportTwice: trouble(0.5),
    reportsReordered: random.chance(0.6),
    echoesOnly: random.chance(0.7) ? 'all' : 'first',
    webhookOutageMs: random.chance(0.2) ? random.between(60_000, 1_500_000) : 0,
    policy: random.chance(0.7) ? 'resend_once' : 'never',
    hasFallback: random.chance(0.4),
    concurrency: random.between(1, 4),
    messagesPerSecond: random.pick([2, 20, 80]),
    sweepEveryMs: random.pick([10_000, 20_000, 40_000]),
    sweepsTogether: random.chance(0.4),
    isMild: false,
  }
}

export const within = (random: Random, { fromMs, toMs }: Range): number => random.between(fromMs, toMs)
