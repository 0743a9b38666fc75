/** The result as a table for people. */

import type { PhaseName } from './options.ts'
import type { Figures } from './phases/phase.ts'

/** Phase -> who was measured -> figures. */
export type Medians = Readonly<Partial<Record<PhaseName, Readonly<Record<string, Figures>>>>>

const titles: Readonly<Record<PhaseName, string>> = {
  outbound: 'Event -> accepted by the provider -> activity event published',
  webhooks: 'Webhook -> stored -> 200 (64 connections), and on to applied -> activity event published',
  latency: 'Event -> call of the provider, at 100 events/s',
  start: 'Process started -> ready',
  embedded: 'SQLite, no broker: event by HTTP -> accepted by the provider -> reported as delivered -> applied',
}

const labels: Readonly<Record<string, string>> = {
  messagesPerSecond: 'messages/s',
  eventsPerSecond: 'accepted and applied, events/s',
  sentPerSecond: 'accepted and stored as sent, events/s',
  requestsPerSecond: 'answered, requests/s',
  pacedP50Ms: 'answer p50 at 1,000/s, ms',
  pacedP99Ms: 'answer p99 at 1,000/s, ms',
  appliedPerSecond: 'applied and published, messages/s',
  p50Ms: 'latency p50, ms',
  p99Ms: 'latency p99, ms',
  nodeUsPerMessage: 'node CPU, us/message',
  databaseUsPerMessage: 'database CPU, us/message',
  brokerUsPerMessage: 'broker CPU, us/message',
  statementsPerMessage: 'SQL statements/message',
  peakMb: 'memory at most, MB',
  finalMb: 'memory at the end, MB',
  startToReadyMs: 'start to ready, ms',
  othersCores: 'processors busy with other work',
}

/** One block per phase: figure, gateway, floor, gateway/floor. */
export function tableOf(medians: Medians): string {
  const blocks = Object.entries(medians).map(([phase, variants]) => {
    const { gateway = {}, floor = {} } = variants
    const rows = Object.keys({ ...gateway, ...floor }).map((name) => row(name, gateway[name], floor[name]))
    return [titles[phase as PhaseName], line('', 'gateway', 'floor', 'ratio'), ...rows].join('\n')
  })
  return blocks.join('\n\n')
}

function row(name: string, gateway: number | undefined, floor: number | undefined): string {
  const hasRatio = gateway !== undefined && floor !== undefined && name !== 'othersCores'
  return line(labels[name] ?? name, shown(gateway), shown(floor), hasRatio ? (gateway / floor).toFixed(2) : '')
}

const line = (label: string, ...cells: readonly string[]) =>
  `  ${label.padEnd(36)}${cells.map((cell) => cell.padStart(12)).join('')}`

export function shown(value: number | undefined): string {
  if (value === undefined) return '-'
  if (Number.isNaN(value)) return 'n/a'
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 10 ? 1 : 2)
}
