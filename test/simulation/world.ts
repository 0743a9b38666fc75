/** One seed: two processes, a broker, a provider and a database, a bad day, then calm, then the verdict. */

import type { Session } from '../../src/core/storage/sqlite/session.ts'
import { createChaos } from './chaos.ts'
import { createCustomers } from './customers.ts'
import { createBroker } from './fakes/broker.ts'
import { createConnections } from './fakes/connections.ts'
import { createDatabaseServer } from './fakes/database.ts'
import { bodyOf, phoneOf } from './fakes/events.ts'
import { createProvider } from './fakes/provider.ts'
import { type MutantName, mutationOf } from './mutants.ts'
import { createOperator } from './operator.ts'
import { judge } from './oracle.ts'
import { createProcesses } from './processes.ts'
import { createRandom } from './random.ts'
import { createScheduler, world } from './scheduler.ts'
import { onVirtualTime } from './virtual-time.ts'
import { forecast } from './weather.ts'

export interface Played {
  readonly seed: number
  /** The same for every play of the same seed. */
  readonly hash: string
  /** Promises that were broken; empty for a sound protocol. */
  readonly violations: readonly string[]
  readonly facts: Facts
}

export interface Facts {
  readonly events: number
  readonly accepted: number
  readonly deaths: number
  readonly doubts: number
  readonly unknown: number
  readonly possibleDuplicates: number
  readonly acceptedTwice: number
  readonly reports: number
  readonly decidedByHand: number
  readonly refusedForToken: number
  readonly skipped: number
}

export interface PlayOptions {
  readonly mutant?: MutantName | undefined
  readonly log?: ((line: string) => void) | undefined
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** Longest wait after the bad day until everything has come to rest. */
const restWithinMs = 12 * hourMs

export async function play(tables: Session, seed: number, { mutant, log }: PlayOptions = {}): Promise<Played> {
  const random = createRandom(seed)
  const weather = forecast(random)
  const scheduler = createScheduler(random, log)
  scheduler.note(JSON.stringify(weather))
  const chaos = createChaos({
    random,
    weather,
    kill: (owner, where) => processes.kill(owner, where),
    freeze: (owner) => processes.freeze(owner),
  })
  const server = createDatabaseServer({ session: tables, scheduler, chaos, onWrite: () => processes.written() })
  const broker = createBroker({ random, scheduler, chaos })
  const connections = createConnections(weather)
  const provider = createProvider({
    random,
    scheduler,
    chaos,
    weather,
    isTaken: connections.isTaken,
    deliver(events, answer) {
      const gateway = processes.any()
      if (!gateway) return answer(false)
      scheduler.after(chaos.networkMs(), 'webhook arrives', () => gateway.webhook(events, answer), gateway.owner)
    },
  })
  const processes = createProcesses({
    server,
    broker,
    adapter: provider.adapter,
    connections,
    scheduler,
    random,
    weather,
    mutation: mutationOf(mutant),
  })
  const customers = createCustomers({ random, scheduler, weather, processes })
  const operator = createOperator({ random, weather, server, processes })
  const events: string[] = []
  let malformed = 0

  const publish = (key: string, recipient: number, usefulMs: number) => {
    const connectionId = random.pick([1, 2])
    const body = bodyOf({ key, phone: phoneOf(recipient), connectionId, usefulMs })
    events.push(key)
    broker.publish(body)
    if (!chaos.isCalm() && random.chance(weather.publishedTwice)) {
      scheduler.after(random.between(0, 30_000), 'published again', () => broker.publish(body), world)
    }
  }
  const publishMalformed = (number: number) => {
    malformed++
    broker.publish(Buffer.from(`{"number": ${number}`))
  }

  /** The bad day. */
  const day = () => {
    for (let number = 0; number < weather.events; number++) {
      const usefulMs = random.chance(weather.shortLived) ? random.between(1_000, 2 * minuteMs) : 12 * hourMs
      const isMalformed = random.chance(weather.malformed)
      const happen = () =>
        isMalformed ? publishMalformed(number) : publish(`e${number}`, random.between(1, weather.recipients), usefulMs)
      scheduler.after(random.between(0, weather.spanMs), 'an event', happen, world)
    }
    for (let number = 0; number < weather.kills; number++) {
      scheduler.after(random.between(0, weather.spanMs), 'a kill', () => processes.killAny(), world)
    }
    for (let number = 0; number < weather.freezes; number++) {
      scheduler.after(random.between(0, weather.spanMs), 'a freeze', () => processes.freezeAny(), world)
    }
    customers.plan()
    if (weather.revokedMs > 0) planRevocation(random.pick([1, 2]), random.between(0, weather.spanMs))
    scheduler.after(weather.spanMs + minuteMs, 'calm', evening, world)
  }
  const planRevocation = (connectionId: number, atMs: number) => {
    const mend = () => {
      connections.mend(connectionId)
      processes.mended(connectionId)
    }
    scheduler.after(atMs, 'token revoked', () => connections.revoke(connectionId), world)
    scheduler.after(atMs + weather.revokedMs, 'new token', mend, world)
  }
  /** Nothing goes wrong any more; what stands in doubt needs other messages that are echoed. */
  const evening = () => {
    chaos.calm()
    watch(0)
  }
  const watch = (round: number) => {
    if (isAtRest() && !operator.decides()) return scheduler.stop()
    const [doubts] = server.peek<{ count: number }>(
      "SELECT COUNT(*) AS count FROM wa_outgoing_messages WHERE state = 'in_doubt'",
    )
    if (round % 3 === 0 && round < 180 && Number(doubts?.count) > 0)
      publish(`canary${round}`, 50 + (round % 40), hourMs)
    scheduler.after(minuteMs, 'watch', () => watch(round + 1), world)
  }
  const isAtRest = () =>
    broker.isEmpty() && provider.pending() === 0 && processes.areWell() && server.nextDue() === null

  return onVirtualTime(scheduler, async () => {
    processes.boot()
    day()
    await scheduler.run(weather.spanMs + restWithinMs)
    const evidence = {
      server,
      accepted: provider.accepted,
      events,
      malformed,
      kept: broker.kept(),
      isSilenceTrue: weather.isMild,
      refusedForToken: provider.refusedForToken(),
      mostRefused: weather.concurrency * processes.lives(),
      stops: customers.stops(),
    }
    const violations = [...judge(evidence), ...(isAtRest() ? [] : ['it never came to rest'])]
    for (const row of server.peek(
      'SELECT reference, state, status_rank, attempts FROM wa_outgoing_messages ORDER BY id',
    ))
      scheduler.note(JSON.stringify(row))
    for (const violation of violations) log?.(`BROKEN ${violation}`)
    return {
      seed,
      hash: scheduler.hash(),
      violations,
      facts: { ...factsOf(evidence), deaths: processes.deaths(), refusedForToken: provider.refusedForToken() },
    }
  })
}

function factsOf({ server, accepted, events }: Pick<Parameters<typeof judge>[0], 'server' | 'accepted' | 'events'>) {
  const count = (sql: string) =>
    Number(server.peek<{ count: number }>(`SELECT COUNT(*) AS count FROM ${sql}`)[0]?.count)
  return {
    events: events.length,
    accepted: accepted.length,
    doubts: count("wa_send_attempts WHERE outcome = 'in_doubt'"),
    unknown: count("wa_outgoing_messages WHERE state = 'unknown'"),
    possibleDuplicates: count('wa_outgoing_messages WHERE possible_duplicate = 1'),
    acceptedTwice: accepted.length - new Set(accepted.map(({ event }) => event)).size,
    reports: count('wa_dlr_messages'),
    skipped: count("wa_outgoing_messages WHERE state = 'skipped'"),
    decidedByHand: count("audit_log WHERE subject_type = 'message'"),
  }
}
