/** After the trouble: waits until nothing is left to do, so that whatever is left is a fault. */

import { setTimeout as sleep } from 'node:timers/promises'
import { ageDoubts, countRows, inDoubt, unfinished } from '../support/unfinished.ts'
import type { PlannedEvent } from './events.ts'
import { tellLies } from './lies.ts'
import type { Stage } from './stage.ts'

/** A lease is 90 s; retries of what was refused come on top. */
const calmMs = 240_000
const eventsMs = 120_000
/** A doubt that is sent again may become one again, and ends unknown then. */
const doubtRounds = 3

/** Resolves with a note about each thing that did not come to an end in time; the judgement counts what is left. */
export async function settle(stage: Stage, events: readonly PlannedEvent[]): Promise<string[]> {
  const notes: string[] = []
  const keep = (note: string | undefined) => {
    if (note) notes.push(note)
  }
  tellLies(stage.provider, false)
  for (const gateway of stage.gateways) await gateway.untilReady()
  keep(await untilTaken(stage, events))
  keep(await untilCalm(stage))
  for (let round = 0; round < doubtRounds; round++) {
    const doubts = await countRows(stage.database, inDoubt)
    if (doubts === 0) break
    console.log(`  ${doubts} doubts are left; their silence is moved into the past`)
    await ageDoubts(stage.database)
    await within(10_000, async () => (await countRows(stage.database, dueDoubts)) === 0)
    keep(await untilCalm(stage))
  }
  for (const gateway of stage.gateways) await gateway.replace('SIGTERM')
  await stage.broker.collectActivity()
  return notes
}

const dueDoubts = `${inDoubt} AND due_at <= UTC_TIMESTAMP(3)`

async function untilTaken({ database }: Stage, events: readonly PlannedEvent[]): Promise<string | undefined> {
  const taken = async () =>
    (await countRows(database, 'wa_outgoing_messages WHERE root_outgoing_message_id IS NULL')) +
    (await countRows(database, "rejected_events WHERE source = 'event'"))
  const missing = async () => events.length - (await taken())
  const isDone = await within(eventsMs, async () => (await missing()) <= 0)
  return isDone ? undefined : `${await missing()} events did not become rows`
}

async function untilCalm({ database, provider }: Stage): Promise<string | undefined> {
  const isCalm = async () =>
    (await provider.idle(20_000).catch(() => 'busy')) !== 'busy' && (await unfinished(database)).length === 0
  if (await within(calmMs, isCalm)) return undefined
  return `not over in time: ${(await unfinished(database)).join(', ') || 'the provider'}`
}

async function within(ms: number, isDone: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(500)) if (await isDone()) return true
  return isDone()
}
