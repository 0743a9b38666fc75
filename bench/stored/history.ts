/**
 * What months leave behind: messages that are finished, each with its attempt, its report and its activity events, and
 * for every tenth a reply. They end a day ago; what is older than the usual retention is cleared as the gateway clears it.
 */

import { type PersonalTable, personalTables } from '../../src/core/privacy/personal-data.ts'
import type { Options } from '../options.ts'
import { type Kind, type SourceRow, writeCopies } from './copies.ts'
import type { Filling } from './fill.ts'
import type { MessageRows, Table } from './samples.ts'

const days = 120
const daysWithBodies = 30
const dayMs = 86_400_000
const accounts = 1_000
/** Of so many messages one is answered. */
const perReply = 10

/** @param firstId of the messages; no row has it or a higher one */
export function historyOf({ stored, connections }: Options, sample: MessageRows, firstId: number): readonly Filling[] {
  if (stored === 0) return []
  const message = sample.wa_outgoing_messages[0] ?? {}
  const facts = { count: stored, firstId, firstConnection: Number(message.whatsappSenderConnectionId), connections }
  const firstWithBodies = Math.round(stored * (1 - daysWithBodies / days))
  const filling = (table: string, kinds: readonly Kind[], personal: PersonalTable, per = 1): Filling => ({
    table,
    rows: Math.floor(stored / per) * kinds.length,
    async write(connection) {
      const [middle, end] = [Math.floor(firstWithBodies / per), Math.floor(stored / per)]
      await writeCopies(
        connection,
        table,
        kinds.map((kind) => aged(kind, personal)),
        [0, middle],
      )
      await writeCopies(connection, table, kinds, [middle, end])
    },
  })
  const like = (table: Table, expressions: Kind['expressions']): Kind[] =>
    sample[table].map((row, index) => kindOf(row, { ...expressions, ...keysOf(index) }, facts))
  const { messages, attempts, reports, activity, replies } = personalTables
  return [
    filling('activity_events', like('activity_events', childColumns(facts)), activity),
    filling('wa_outgoing_messages', like('wa_outgoing_messages', messageColumns(facts)), messages),
    filling('wa_dlr_messages', like('wa_dlr_messages', childColumns(facts)), reports),
    filling('wa_send_attempts', like('wa_send_attempts', childColumns(facts)), attempts),
    filling('wa_customer_reply_messages', [replyOf(facts)], replies, perReply),
  ]
}

interface Facts {
  readonly count: number
  readonly firstId: number
  readonly firstConnection: number
  readonly connections: number
}

/** The columns that are about a person, without what made them different. */
function aged({ like, expressions }: Kind, { clear }: PersonalTable): Kind {
  const cleared = clear(like, 'aged') as SourceRow
  const left = Object.entries(expressions).filter(([name]) => !(name in cleared))
  return { like: { ...like, ...cleared }, expressions: Object.fromEntries(left) }
}

const isTime = (value: unknown) => typeof value === 'string' && /^\d{4}-\d\d-\d\d \d\d:/.test(value)

/** Every time of a row moves to when this copy was made. */
function kindOf(like: SourceRow, expressions: Kind['expressions'], facts: Facts): Kind {
  const times = Object.entries(like).filter(([, value]) => isTime(value))
  return { like, expressions: { ...Object.fromEntries(times.map(([name]) => [name, timeOf(facts)])), ...expressions } }
}

const timeOf = ({ count }: Facts, per = 1) =>
  `(UTC_TIMESTAMP(3) - INTERVAL ${dayMs} * 1000 MICROSECOND
    - INTERVAL (${count} - k * ${per}) * ${Math.round((days * dayMs * 1000) / count)} MICROSECOND)`

const accountId = `(379 + MOD(k, ${accounts}))`
const reference = "MD5(CONCAT('stored/', k))"
const messageId = "CONCAT('wamid.HBgM', MD5(CONCAT('sent/', k)), 'AA==')"
const phone = "CONCAT('+91', 6000000000 + MOD(k * 7919, 900000000))"
const connectionId = ({ firstConnection, connections }: Facts) => `(${firstConnection} + MOD(k, ${connections}))`

const messageColumns = (facts: Facts) => ({
  id: `(${facts.firstId} + k)`,
  reference,
  account_id: accountId,
  subject_id: "CONCAT('S', k)",
  idempotency_key: "CONCAT('stored/', k)",
  shipment_status_log_id: '(100000000 + k)',
  order_number: "CONCAT('#', k)",
  whatsappSenderConnectionId: connectionId(facts),
  customer_phone: phone,
  customer_user_id: "CONCAT('IN.', 6000000000 + k)",
  message_id: messageId,
})

/** Of rows that hang on a message, whichever of these they have. */
const childColumns = (facts: Facts) => ({
  account_id: accountId,
  connection_id: connectionId(facts),
  wa_outgoing_message_id: `(${facts.firstId} + k)`,
  root_outgoing_message_id: `(${facts.firstId} + k)`,
  message_id: messageId,
  reference: `CONCAT(${reference}, '.1')`,
})

/** What is unique of the rows that one message has in a table. */
const keysOf = (index: number) => ({
  dedupe_key: `MD5(CONCAT('report/${index}/', k))`,
  event_id: `MD5(CONCAT('event/${index}/', k))`,
})

function replyOf(facts: Facts): Kind {
  const like = {
    connection_id: facts.firstConnection,
    from_phone: '',
    wa_context_outgoing_message_id: 0,
    wa_root_outgoing_message_id: 0,
    reply_message_id: '',
    customer_reply_type: 'button',
    customer_reply_value: 'Reattempt',
    payload: JSON.stringify({ type: 'button', button: { text: 'Reattempt' }, text: 'x'.repeat(400) }),
    external_updated_at: '',
    created_at: '',
    updated_at: '',
  }
  const [message, time] = [`(${facts.firstId} + k * ${perReply})`, timeOf(facts, perReply)]
  const expressions = {
    from_phone: phone,
    wa_context_outgoing_message_id: message,
    wa_root_outgoing_message_id: message,
    reply_message_id: "CONCAT('wamid.HBgM', MD5(CONCAT('reply/', k)), 'AA==')",
    external_updated_at: time,
    created_at: time,
    updated_at: time,
  }
  return { like, expressions }
}
