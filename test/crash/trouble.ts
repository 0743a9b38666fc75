/** The run itself: bursts of events, and in the middle of each burst a gateway dies. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Chance, createChance } from './chance.ts'
import type { PlannedEvent } from './events.ts'
import { disturb, faults } from './network.ts'
import type { CrashOptions } from './options.ts'
import type { Stage } from './stage.ts'

/** What was done to the system, by name. */
export type Troubles = Record<string, number>

const share = { repeated: 0.1, frozen: 0.15, terminated: 0.1, duringStart: 0.2 }
const faultEveryMs: [number, number] = [1_000, 4_000]
const betweenServiceKillsMs = 2_000

/** Publishes all events and makes all the trouble that was asked for. Resolves when the last one is over. */
export async function makeTrouble(
  stage: Stage,
  events: readonly PlannedEvent[],
  options: CrashOptions,
): Promise<Troubles> {
  const troubles: Troubles = {}
  const note = (what: string) => {
    troubles[what] = (troubles[what] ?? 0) + 1
  }
  const over = new AbortController()
  const side = [disturbNetwork(stage, options.seed, note, over.signal), killServices(stage, options, note, over.signal)]
  await publishAndKill(stage, events, options, note)
  over.abort()
  await Promise.all(side)
  return troubles
}

type Note = (what: string) => void

async function publishAndKill(stage: Stage, events: readonly PlannedEvent[], options: CrashOptions, note: Note) {
  const chance = createChance(options.seed, 'kills')
  const rounds = Math.max(1, options.kills)
  for (let round = 0; round < rounds; round++) {
    const burst = partOf(events, round, rounds)
    const repeats = burst.filter(() => chance.isHit(share.repeated))
    const publishing = stage.broker.publish([...burst, ...repeats].map(({ body }) => body))
    if (options.kills > 0) await kill(stage, chance, note)
    await publishing
    await stage.broker.collectActivity().catch(() => {})
    showProgress(stage, round + 1, rounds)
  }
}

const partOf = <T>(items: readonly T[], part: number, parts: number): readonly T[] =>
  items.slice(Math.floor((items.length * part) / parts), Math.floor((items.length * (part + 1)) / parts))

/** Some die while they are starting; the others first come to work. */
async function kill({ gateways }: Stage, chance: Chance, note: Note): Promise<void> {
  const victim = chance.pick(gateways)
  const other = victim === gateways[0] ? gateways[1] : gateways[0]
  const isEarly = chance.isHit(share.duringStart)
  const afterMs = chance.between(20, 350)
  const freezeMs = chance.isHit(share.frozen) ? chance.between(1_000, 4_000) : 0
  const isTermination = chance.isHit(share.terminated)
  if (!isEarly) await victim.untilReady()
  await sleep(afterMs)
  await victim.replace('SIGKILL')
  note('SIGKILL of a gateway')
  if (freezeMs > 0) {
    await other.freeze(freezeMs)
    note('SIGSTOP of a gateway')
  }
  if (isTermination) {
    await other.replace('SIGTERM')
    note('SIGTERM of a gateway')
  }
}

async function disturbNetwork({ lines }: Stage, seed: number, note: Note, over: AbortSignal): Promise<void> {
  const chance = createChance(seed, 'network')
  for (;;) {
    await sleep(chance.between(...faultEveryMs), undefined, { signal: over }).catch(() => {})
    if (over.aborted) return
    const line = chance.pick(lines)
    const fault = chance.pick(faults)
    await disturb(line, fault, chance)
    note(`${line.name}: ${fault}`)
  }
}

/** Database and broker in turn. */
async function killServices({ services }: Stage, { serviceKills, seed }: CrashOptions, note: Note, over: AbortSignal) {
  const chance = createChance(seed, 'services')
  for (let kills = 0; services && kills < serviceKills * 2; kills++) {
    const pauseMs = betweenServiceKillsMs + chance.between(0, 8_000)
    if (!over.aborted) await sleep(pauseMs, undefined, { signal: over }).catch(() => {})
    const server = services.servers[kills % 2 === 0 ? 0 : 1]
    await server.killAndRestart()
    note(`SIGKILL of the ${server.name}`)
  }
}

function showProgress({ provider }: Stage, round: number, rounds: number): void {
  if (round % Math.ceil(rounds / 10) !== 0) return
  console.log(`  ${round} of ${rounds} rounds, ${provider.stats().accepted} messages accepted so far`)
}
