/** What a stretch of work costs: time, processor time of everybody concerned, statements. */

import { busyUsOfMachine, cpuUsOf } from './cpu.ts'
import { type Memory, watchMemory } from './memory.ts'
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
  readonly memory: Memory
}

type Pids = readonly (number | undefined)[]

const sources = (stage: Stage, pids: Pids) => ({
  node: pids.map(cpuUsOf).reduce((sum, us) => sum + us, 0),
  database: cpuUsOf(stage.pids.database),
  broker: cpuUsOf(stage.pids.broker),
  provider: stage.provider.pid === 0 ? 0 : cpuUsOf(stage.provider.pid),
  load: cpuUsOf(process.pid),
  machine: busyUsOfMachine(),
})

/** @param pids of the processes whose work it is */
export async function measure<T>(stage: Stage, pids: Pids, work: () => Promise<T>): Promise<[T, Cost]> {
  const statements = await stage.statements()
  const before = sources(stage, pids)
  const memory = watchMemory(pids)
  const startedAt = performance.now()
  const result = await work().catch((error: unknown) => {
    memory()
    throw error
  })
  const seconds = (performance.now() - startedAt) / 1000
  const after = sources(stage, pids)
  const spent = (name: keyof typeof before) => after[name] - before[name]
  const ours = spent('node') + spent('database') + spent('broker') + spent('provider') + spent('load')
  const cost = {
    seconds,
    nodeUs: spent('node'),
    databaseUs: spent('database'),
    brokerUs: spent('broker'),
    othersCores: Math.max(0, (spent('machine') - ours) / 1e6 / seconds),
    statements: (await stage.statements()) - statements,
    memory: memory(),
  }
  return [result, cost]
}

/** The costs of one message of `count`, as figures for the table. */
export const perMessage = (cost: Cost, count: number) => ({
  nodeUsPerMessage: cost.nodeUs / count,
  databaseUsPerMessage: cost.databaseUs / count,
  brokerUsPerMessage: cost.brokerUs / count,
  statementsPerMessage: cost.statements / count,
  peakMb: cost.memory.peakMb,
  finalMb: cost.memory.finalMb,
  othersCores: cost.othersCores,
})
