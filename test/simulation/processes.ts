/** The two processes of the gateway and their generations: what a process had in hand is gone when it dies. */

import type { DatabaseServer } from './fakes/database.ts'
import { createGateway, type Gateway, type GatewayDeps } from './gateway.ts'
import { type Owner, type Scheduled, world } from './scheduler.ts'
import { within } from './weather.ts'

export interface Processes {
  boot(): void
  /** One that lives; a load balancer does not know more either. */
  any(): Gateway | undefined
  kill(owner: Owner, where: string): void
  killAny(): void
  freeze(owner: Owner): void
  freezeAny(): void
  /** Somebody has stored a new token: all that live are told. */
  mended(connectionId: number): void
  /** Rows were written: something may be due. */
  written(): void
  areWell(): boolean
  deaths(): number
  /** Processes that there were, one after the other. */
  lives(): number
}

export interface ProcessesDeps extends Omit<GatewayDeps, 'owner' | 'database'> {
  readonly server: DatabaseServer
}

interface Slot {
  readonly name: string
  gateway: Gateway | undefined
  sweep: Scheduled | undefined
  sweepAtMs: number
}

const slots = 2
/** Longer than a lease is the interesting half of it. */
const freezeMs = { fromMs: 20_000, toMs: 270_000 }

export function createProcesses(deps: ProcessesDeps): Processes {
  const { server, broker, scheduler, random, weather } = deps
  const all = Array.from(
    { length: slots },
    (_, index): Slot => ({
      name: `p${index}`,
      gateway: undefined,
      sweep: undefined,
      sweepAtMs: Number.POSITIVE_INFINITY,
    }),
  )
  let deaths = 0
  const alive = () => all.flatMap(({ gateway }) => gateway ?? [])
  const anyAlive = () => random.shuffled(alive())[0]

  const start = (slot: Slot) => {
    const owner: Owner = { name: `${slot.name}.${deaths}`, isGone: false, frozenUntilMs: 0 }
    const gateway = createGateway({ ...deps, owner, database: server.connect(owner) })
    slot.gateway = gateway
    scheduler.after(0, 'start', () => broker.subscribe(gateway), owner)
    planSweep(slot, 0)
  }
  const planSweep = (slot: Slot, delayMs: number) => {
    const { gateway } = slot
    if (!gateway) return
    slot.sweep?.cancel()
    slot.sweepAtMs = scheduler.nowMs() + delayMs
    slot.sweep = scheduler.after(delayMs, 'sweep', () => sweep(slot, gateway), gateway.owner)
  }
  const sweep = (slot: Slot, gateway: Gateway) => {
    gateway.sweep()
    slot.sweepAtMs = Number.POSITIVE_INFINITY
    planWhenDue(slot, weather.sweepEveryMs)
  }
  /** A sweeper looks now and then; looks that would find nothing are left out. */
  const planWhenDue = (slot: Slot, earliestMs: number) => {
    if (slot.sweepAtMs <= scheduler.nowMs() + earliestMs) return
    const due = server.nextDue()
    if (!due) return
    const delayMs = Math.max(earliestMs, due.getTime() - scheduler.now().getTime())
    if (scheduler.nowMs() + delayMs < slot.sweepAtMs) planSweep(slot, delayMs)
  }
  const kill = (owner: Owner, where: string) => {
    const slot = all.find(({ gateway }) => gateway?.owner === owner)
    if (!slot) return
    scheduler.note(`${owner.name} dies ${where}`)
    deaths++
    owner.isGone = true
    slot.gateway = undefined
    slot.sweep?.cancel()
    broker.lost(owner)
    scheduler.after(within(random, weather.downMs), 'restart', () => start(slot), world)
  }

  const freeze = (owner: Owner) => {
    owner.frozenUntilMs = scheduler.nowMs() + within(random, freezeMs)
  }

  return {
    boot: () => all.forEach(start),
    any: anyAlive,
    kill,
    freeze,
    killAny() {
      const gateway = anyAlive()
      if (gateway) kill(gateway.owner, 'somewhere')
    },
    freezeAny() {
      const gateway = anyAlive()
      if (gateway) freeze(gateway.owner)
    },
    mended(id) {
      for (const gateway of alive()) scheduler.after(0, 'mended', () => gateway.mended(id), gateway.owner)
    },
    written() {
      const togetherMs = random.between(1, weather.sweepEveryMs)
      for (const slot of all) {
        planWhenDue(slot, weather.sweepsTogether ? togetherMs : random.between(1, weather.sweepEveryMs))
      }
    },
    areWell: () => alive().length === slots && alive().every(({ owner }) => owner.frozenUntilMs <= scheduler.nowMs()),
    deaths: () => deaths,
    lives: () => slots + deaths,
  }
}
