/** What every witness says after a run: the gateway's rows, the provider's record, the broker, the logs. */

import { readFileSync } from 'node:fs'
import { names } from '../../src/consumers/topology.ts'
import type { AcceptedMessage } from '../../src/providers/simulator/ledger.ts'
import type { NdrRecord } from '../../src/providers/simulator/platform.ts'
import type { Published } from './broker.ts'
import type { PlannedEvent } from './events.ts'
import type { Stage } from './stage.ts'

export interface MessageRow {
  readonly id: number
  readonly reference: string
  readonly statusLogId: string | null
  readonly phone: string
  readonly rootId: number | null
  readonly messageId: string | null
  readonly state: string
  readonly statusRank: number
  readonly isAccepted: boolean
  readonly isPossibleDuplicate: boolean
}

export interface ActivityRow {
  readonly eventId: string
  readonly subType: string
  readonly messageId: number
  readonly rootId: number | null
  /** Number within the conversation. */
  readonly sequence: number
  readonly isPublished: boolean
}

/** One status or customer's message that the gateway answered 200. */
export interface Told {
  readonly wamid: string
  /** `reply` for what a customer sent. */
  readonly status: string
}

export interface LogLine {
  readonly level: number
  readonly text: string
}

export interface Evidence {
  readonly events: readonly PlannedEvent[]
  readonly messages: readonly MessageRow[]
  /** Status logs of the events that were parked. */
  readonly parkedStatusLogs: ReadonlySet<string>
  /** Ids of messages with a ledger row that says in doubt. */
  readonly doubtedIds: ReadonlySet<number>
  readonly openReports: number
  readonly openReplies: number
  readonly activity: readonly ActivityRow[]
  readonly published: Published
  readonly accepted: readonly AcceptedMessage[]
  readonly told: readonly Told[]
  /** `<wamid> <status>` of every report, `<wamid> reply` of every reply in the database. */
  readonly stored: ReadonlySet<string>
  readonly ndr: readonly NdrRecord[]
  readonly depths: Readonly<Record<string, number>>
  readonly log: readonly LogLine[]
  readonly unexpectedEnds: readonly string[]
  readonly failedStarts: number
}

export async function collectEvidence(stage: Stage, events: readonly PlannedEvent[]): Promise<Evidence> {
  const { database, provider, broker, gateways } = stage
  const ids = async (sql: string) => (await database.select<{ id: number }>(sql)).map(({ id }) => Number(id))
  const number = async (from: string) => (await ids(`SELECT id FROM ${from}`)).length
  return {
    events,
    messages: await readMessages(stage),
    parkedStatusLogs: await readParked(stage),
    doubtedIds: new Set(
      await ids("SELECT wa_outgoing_message_id AS id FROM wa_send_attempts WHERE outcome = 'in_doubt'"),
    ),
    openReports: await number('wa_dlr_messages WHERE due_at IS NOT NULL'),
    openReplies: await number('wa_customer_reply_messages WHERE due_at IS NOT NULL'),
    activity: await readActivity(stage),
    published: broker.activity,
    accepted: provider.accepted(),
    told: provider
      .webhooks()
      .filter(({ status }) => status === 200)
      .flatMap(({ body }) => toldIn(body)),
    stored: await readStored(stage),
    ndr: provider.ndr(),
    depths: {
      [names.eventQueue]: await broker.depth(names.eventQueue),
      [names.parkedQueue]: await broker.depth(names.parkedQueue),
    },
    log: gateways.flatMap(({ logFile }) => readLog(logFile)),
    unexpectedEnds: gateways.flatMap(({ unexpectedEnds }) => unexpectedEnds),
    failedStarts: gateways.reduce((sum, gateway) => sum + gateway.failedStarts(), 0),
  }
}

async function readMessages({ database }: Stage): Promise<MessageRow[]> {
  const rows = await database.select(
    `SELECT id, reference, shipment_status_log_id, customer_phone, root_outgoing_message_id, message_id, state,
       status_rank, accepted_at, possible_duplicate FROM wa_outgoing_messages`,
  )
  return rows.map((row) => ({
    id: Number(row.id),
    reference: String(row.reference),
    statusLogId: row.shipment_status_log_id === null ? null : String(row.shipment_status_log_id),
    phone: String(row.customer_phone),
    rootId: row.root_outgoing_message_id === null ? null : Number(row.root_outgoing_message_id),
    messageId: row.message_id === null ? null : String(row.message_id),
    state: String(row.state),
    statusRank: Number(row.status_rank),
    isAccepted: row.accepted_at !== null,
    isPossibleDuplicate: Number(row.possible_duplicate) === 1,
  }))
}

async function readParked({ database }: Stage): Promise<Set<string>> {
  const rows = await database.select<{ body: Buffer }>("SELECT body FROM rejected_events WHERE source = 'event'")
  return new Set(rows.map(({ body }) => String(JSON.parse(body.toString('utf8')).response_data?.status_log_id)))
}

async function readActivity({ database }: Stage): Promise<ActivityRow[]> {
  const rows = await database.select(
    `SELECT event_id, event_sub_type, wa_outgoing_message_id, root_outgoing_message_id, sequence, published_at
     FROM activity_events`,
  )
  return rows.map((row) => ({
    eventId: String(row.event_id),
    subType: String(row.event_sub_type),
    messageId: Number(row.wa_outgoing_message_id),
    rootId: row.root_outgoing_message_id === null ? null : Number(row.root_outgoing_message_id),
    sequence: Number(row.sequence),
    isPublished: row.published_at !== null,
  }))
}

async function readStored({ database }: Stage): Promise<Set<string>> {
  const rows = await database.select<{ told: string }>(
    `SELECT CONCAT(message_id, ' ', status) AS told FROM wa_dlr_messages
     UNION ALL SELECT CONCAT(reply_message_id, ' reply') FROM wa_customer_reply_messages`,
  )
  return new Set(rows.map(({ told }) => told))
}

interface WebhookValue {
  readonly statuses?: readonly { readonly id: string; readonly status: string }[]
  readonly messages?: readonly { readonly id: string }[]
}

function toldIn(body: string | undefined): Told[] {
  if (!body) return []
  const { entry } = JSON.parse(body) as { entry: { changes: { value: WebhookValue }[] }[] }
  const values = entry.flatMap(({ changes }) => changes.map(({ value }) => value))
  return values.flatMap(({ statuses = [], messages = [] }) => [
    ...statuses.map(({ id, status }) => ({ wamid: id, status })),
    ...messages.map(({ id }) => ({ wamid: id, status: 'reply' })),
  ])
}

/** A start that was given up, as without a database, says why in plain text; anything else of that kind is a crash. */
const isCrash = (line: string): boolean => /unhandled|uncaught|fatal|warning:|heap/i.test(line)

function readLog(file: string): LogLine[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => {
    if (!line.startsWith('{"level"')) return { level: isCrash(line) ? 60 : 0, text: line }
    const { level, msg, err } = parsedLine(line)
    return { level, text: err ? `${msg}: ${err.message}` : msg }
  })
}

/** The last line of a process that was killed may be cut. */
function parsedLine(line: string): { level: number; msg: string; err?: { message: string } } {
  try {
    return JSON.parse(line)
  } catch {
    return { level: 0, msg: 'cut by a kill' }
  }
}
