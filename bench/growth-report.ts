/** Grown settings beside the baseline that was measured in alternation with them, as a table for people. */

import type { PhaseName } from './options.ts'
import type { Figures } from './phases/phase.ts'
import { type Medians, shown } from './report.ts'

/** What settings are compared with. */
export const baseline = 'baseline'

export interface GrowthResult {
  readonly name: string
  readonly medians: Medians
}

interface Line {
  readonly title: string
  readonly phase: PhaseName
  readonly figure: string
  /** Are processor time and memory shown beside it? */
  readonly hasCosts: boolean
}

const lines: readonly Line[] = [
  { title: 'outbound, messages/s', phase: 'outbound', figure: 'messagesPerSecond', hasCosts: true },
  { title: 'webhooks, applied/s', phase: 'webhooks', figure: 'appliedPerSecond', hasCosts: true },
  { title: 'latency p50, ms', phase: 'latency', figure: 'p50Ms', hasCosts: true },
  { title: 'latency p99, ms', phase: 'latency', figure: 'p99Ms', hasCosts: false },
  { title: 'start to ready, ms', phase: 'start', figure: 'startToReadyMs', hasCosts: false },
]

const costs = {
  'node us': 'nodeUsPerMessage',
  'database us': 'databaseUsPerMessage',
  'broker us': 'brokerUsPerMessage',
  'MB at most': 'peakMb',
  'MB at the end': 'finalMb',
}

/** A line for each figure of each setting: as measured, and in brackets its ratio to the baseline's. */
export function growthTable(results: readonly GrowthResult[]): string {
  const head = row('', 'figure (to the baseline)', ['', ...Object.keys(costs)])
  return [head, ...results.flatMap((result) => lines.map((line) => lineOf(result, line)))].join('\n')
}

function lineOf({ name, medians }: GrowthResult, { title, phase, figure, hasCosts }: Line): string {
  const of = (contender: string): Figures => medians[phase]?.[contender] ?? {}
  const figures = [figure, ...(hasCosts ? Object.values(costs) : [])]
  return row(
    name,
    title,
    figures.map((wanted) => cell(of(name)[wanted], of(baseline)[wanted])),
  )
}

const cell = (grown: number | undefined, base: number | undefined): string =>
  grown === undefined || base === undefined ? '-' : `${shown(grown)} (${(grown / base).toFixed(2)})`

const row = (name: string, title: string, cells: readonly string[]): string =>
  `${name.padEnd(20)}${title.padEnd(26)}${cells.map((text) => text.padStart(16)).join('')}`.trimEnd()
