/** The network between the gateways and everything else, with its faults. */

import { setTimeout as sleep } from 'node:timers/promises'
import { startProxy, type TestProxy, throughProxy } from '../support/proxy.ts'
import { type Relay, startRelay } from '../support/relay.ts'
import type { Chance } from './chance.ts'

export interface Line {
  readonly name: string
  /** What the gateways call. */
  readonly url: string
  /** What lies behind it. */
  readonly target: string
  readonly proxy: TestProxy
  readonly relay: Relay
}

export type Fault = 'slow' | 'reset' | 'black hole' | 'answers lost'

export const faults: readonly Fault[] = ['slow', 'reset', 'black hole', 'answers lost']
const slowMs = 150

/** A relay that can lose answers, before a proxy that can do everything else. */
export async function openLine(name: string, target: string): Promise<Line> {
  const proxy = await startProxy(target)
  const relay = await startRelay([proxy.port])
  const url = throughProxy(target, { ...proxy, port: relay.port }).replace(/\/$/, '')
  return { name, url, target, proxy, relay }
}

/** Disturbs a line for a while, and mends it again. */
export async function disturb({ proxy, relay }: Line, fault: Fault, chance: Chance): Promise<void> {
  const during = chance.between(...durationsMs[fault])
  begin[fault](proxy, relay)
  await sleep(during)
  proxy.delay(0)
  proxy.heal()
  relay.swallowAnswers(false)
}

const durationsMs: Readonly<Record<Fault, [number, number]>> = {
  slow: [1_000, 3_000],
  reset: [1, 600],
  'black hole': [500, 2_500],
  'answers lost': [50, 400],
}

const begin: Readonly<Record<Fault, (proxy: TestProxy, relay: Relay) => void>> = {
  slow: (proxy) => proxy.delay(slowMs),
  reset: (proxy) => proxy.cut(),
  'black hole': (proxy) => proxy.blackhole(),
  'answers lost': (_, relay) => relay.swallowAnswers(true),
}

export async function closeLine({ proxy, relay }: Line): Promise<void> {
  await relay.close()
  await proxy.close()
}
