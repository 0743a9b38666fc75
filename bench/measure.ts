/** What a stretch of work costs: time, processor time of everybody concerned, statements. */

import { busyUsOfMachine, cpuUsOf, residentMbOf } from './cpu.ts'
import type { Stage } from './stage.ts'

export interface Cost {
  readonly seconds: number
  /** Microseconds of processor time, in all. */
  readonly nodeUs: number
  readonly databaseUs: number
  readonly brokerUs: number
  /** Processors that others kept busy meanwhile: neither the variant nor database, broker, provider or load. */
  readonly othersCores: number
  readonly statements: number
  readonly residentMb: number
}

const sources = (stage: Stage, pid: number | undefined) => ({
  node: cpuUsOf(pid),
  database: cpuUsOf(stage.pids.database),
  broker: cpuUsOf(stage.pids.broker),
  provider: stage.provider.pid === 0 ? 0 : cpuUsOf(stage.provider.pid),
  load: cpuUsOf(process.pid),
  machine: busyUsOfMachine(),
})

export async function measure<T>(stage: Stage, pid: number | undefined, work: () => Promise<T>): Promise<[T, Cost]> {
  const statements = await stage.statements()
  const before = sources(stage, pid)
  const startedAt = performance.now()
  const result = await work()
  const seconds = (performance.now() - startedAt) / 1000
  const after = sources(stage, pid)
  const spent = (name: keyof typeof before) => after[name] - before[name]
  const ours = spent('node') + spent('database') + spent('broker') + spent('provider') + spent('load')
  const cost = {
    seconds,
    nodeUs: spent('node'),
    databaseUs: spent('database'),
    brokerUs: spent('broker'),
    othersCores: Math.max(0, (spent('machine') - ours) / 1e6 / seconds),
    statements: (await stage.statements()) - statements,
    residentMb: residentMbOf(pid),
  }
  return [result, cost]
}

/** The costs of one message of `count`, as figures for the table. */
export const perMessage = (cost: Cost, count: number) => ({
  nodeUsPerMessage: cost.nodeUs / count,
  databaseUsPerMessage: cost.databaseUs / count,
  brokerUsPerMessage: cost.brokerUs / count,
  statementsPerMessage: cost.statements / count,
  residentMb: cost.residentMb,
  othersCores: cost.othersCores,
})
