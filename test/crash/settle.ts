/** After the trouble: waits until nothing is left to do, so that whatever is left is a fault. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { PlannedEvent } from './events.ts'
import { tellLies } from './lies.ts'
import type { Stage } from './stage.ts'

/** Work that is not done yet, by name. */
type Unfinished = Readonly<Record<string, string>>

const calm: Unfinished = {
  'messages that wait or are being sent': "wa_outgoing_messages WHERE state IN ('queued', 'waiting', 'sending')",
  'reports to apply': 'wa_dlr_messages WHERE due_at IS NOT NULL',
  'replies to apply': 'wa_customer_reply_messages WHERE due_at IS NOT NULL',
  'decisions to push': 'ndr_actions WHERE due_at IS NOT NULL',
  'activity events to publish': 'activity_events WHERE due_at IS NOT NULL',
}

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
  for (let round = 0; round < doubtRounds && (await count(stage, doubted)) > 0; round++) {
    console.log(`  ${await count(stage, doubted)} doubts are left; their silence is moved into the past`)
    await agedDoubts(stage)
    keep(await untilCalm(stage))
  }
  for (const gateway of stage.gateways) await gateway.replace('SIGTERM')
  await stage.broker.collectActivity()
  return notes
}

const doubted = "wa_outgoing_messages WHERE state = 'in_doubt'"

async function count({ database }: Stage, from: string): Promise<number> {
  const [row] = await database.select<{ n: number }>(`SELECT COUNT(*) AS n FROM ${from}`)
  return Number(row?.n ?? 0)
}

async function untilTaken(stage: Stage, events: readonly PlannedEvent[]): Promise<string | undefined> {
  const rows = 'wa_outgoing_messages WHERE root_outgoing_message_id IS NULL'
  const missing = async () =>
    events.length - (await count(stage, rows)) - (await count(stage, "rejected_events WHERE source = 'event'"))
  const isDone = await within(eventsMs, async () => (await missing()) <= 0)
  return isDone ? undefined : `${await missing()} events did not become rows`
}

async function untilCalm(stage: Stage): Promise<string | undefined> {
  const left = async () => {
    const counts = await Promise.all(
      Object.entries(calm).map(async ([name, from]) => ({ name, n: await count(stage, from) })),
    )
    return counts.filter(({ n }) => n > 0).map(({ name, n }) => `${n} ${name}`)
  }
  const isDone = await within(
    calmMs,
    async () => (await stage.provider.idle(20_000).catch(() => 'busy')) !== 'busy' && (await left()).length === 0,
  )
  return isDone ? undefined : `not over in time: ${(await left()).join(', ') || 'the provider'}`
}

async function within(ms: number, isDone: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(500)) if (await isDone()) return true
  return isDone()
}

/** Every report has arrived: what is still in doubt is what silence has to decide, and ten minutes of it pass at once. */
async function agedDoubts({ database }: Stage): Promise<void> {
  await database.write(
    `UPDATE wa_send_attempts SET started_at = started_at - INTERVAL 30 MINUTE
     WHERE wa_outgoing_message_id IN (SELECT id FROM wa_outgoing_messages WHERE state = 'in_doubt')`,
  )
  await database.write(
    `UPDATE wa_outgoing_messages SET due_at = UTC_TIMESTAMP(3), updated_at = updated_at WHERE state = 'in_doubt'`,
  )
  await within(10_000, async () => (await doubtsDue(database)) === 0)
}

async function doubtsDue(database: Stage['database']): Promise<number> {
  const rows = await database.select(
    "SELECT id FROM wa_outgoing_messages WHERE state = 'in_doubt' AND due_at <= UTC_TIMESTAMP(3) LIMIT 1",
  )
  return rows.length
}
