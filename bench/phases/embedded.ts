/**
 * The embedded gateway: events by HTTP, and a report of delivery about each message that the provider takes, while
 * more events come. It ends when the last outcome and the last report are stored and applied.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { openLibsql } from '../../src/core/storage/sqlite/driver.ts'
import { type EventBody, makeEvents, makeWebhooks } from '../load/bodies.ts'
import { type Post, postAll } from '../load/posts.ts'
import { type Cost, measure, perMessage } from '../measure.ts'
import { quantile } from '../statistics.ts'
import { adminKey } from '../variants/environment.ts'
import type { Figures, PhaseContext } from './phase.ts'
import { postsOf } from './webhooks.ts'

const connections = 64
/** Reports come some time after the message was taken. */
const reportEveryMs = 100
const lookEveryMs = 20
const silenceMs = 20_000

export async function embedded(context: PhaseContext): Promise<Figures> {
  const { stage, running } = context
  const { sizes } = stage.options
  const kept = openKept(stage.sqliteFile)
  try {
    await sendAndReport(context, kept, makeEvents(sizes.warmUp, 1))
    const events = makeEvents(sizes.messages, 1)
    const [passed, cost] = await measure(stage, running.pids, () => sendAndReport(context, kept, events))
    kept.check()
    return figuresOf(events.length, passed, cost)
  } finally {
    kept.close()
  }
}

function figuresOf(count: number, { latenciesMs, sentSeconds }: Passed, cost: Cost): Figures {
  const { nodeUsPerMessage, peakMb, finalMb, othersCores } = perMessage(cost, count)
  return {
    eventsPerSecond: count / cost.seconds,
    sentPerSecond: count / sentSeconds,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    nodeUsPerMessage,
    peakMb,
    finalMb,
    othersCores,
  }
}

/** What is in the gateway's database, read beside it. */
interface Kept {
  /** Messages whose outcome is stored. */
  sent(): number
  /** Reports that are applied. */
  applied(): number
  /** @throws {Error} unless every message is delivered */
  check(): void
  close(): void
}

function openKept(file: string): Kept {
  const database = openLibsql(file)
  const reader = (sql: string) => {
    const statement = database.prepare(sql)
    return () => Number(Object.values(statement.all([])[0] ?? {})[0] ?? 0)
  }
  // The last ids cost nothing to read. A call that ended leaves an attempt and an event, a report an event.
  const attempts = reader('SELECT MAX(id) FROM wa_send_attempts')
  const events = reader('SELECT MAX(id) FROM activity_events')
  const undelivered = reader('SELECT COUNT(*) FROM wa_outgoing_messages WHERE delivered_at IS NULL')
  return {
    sent: attempts,
    applied: () => events() - attempts(),
    check() {
      const count = undelivered()
      if (count > 0) throw new Error(`${count} messages are not delivered`)
    },
    close: database.close,
  }
}

interface Passed {
  /** What each answer to an event took. */
  readonly latenciesMs: readonly number[]
  /** After how long all outcomes were stored. */
  readonly sentSeconds: number
}

async function sendAndReport(context: PhaseContext, kept: Kept, events: readonly EventBody[]): Promise<Passed> {
  const { running } = context
  const [sent, applied] = [kept.sent(), kept.applied()]
  const startedAt = performance.now()
  const storedSeconds = async () => {
    await reached(kept.sent, sent + events.length)
    return (performance.now() - startedAt) / 1000
  }
  const [latenciesMs, sentSeconds] = await Promise.all([
    postAll(running.webhooks.ports, events.map(eventPost), connections),
    storedSeconds(),
    reportAll(context, events.length),
    reached(kept.applied, applied + events.length),
  ])
  return { latenciesMs, sentSeconds }
}

const eventPost = ({ bytes }: EventBody): Post => ({
  path: '/v1/events',
  bytes,
  headers: { authorization: `Bearer ${adminKey}` },
})

/** Reports each message that the provider took as delivered. */
async function reportAll({ stage, running }: PhaseContext, count: number): Promise<void> {
  for (let reported = 0; reported < count; await sleep(reportEveryMs)) {
    const taken = await stage.provider.taken()
    await postAll(running.webhooks.ports, postsOf(running, makeWebhooks(taken, 'delivered')), connections)
    reported += taken.length
  }
}

/** @throws {Error} when nothing happens for long */
async function reached(count: () => number, wanted: number): Promise<void> {
  for (let last = count(), changedAt = Date.now(); last < wanted; await sleep(lookEveryMs)) {
    const now = count()
    if (now !== last) changedAt = Date.now()
    last = now
    if (Date.now() - changedAt > silenceMs) throw new Error(`only ${last} of ${wanted} messages came so far`)
  }
}
