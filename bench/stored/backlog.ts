/** Messages that wait in the database, due, for a connection that is paused. */

import type { Options } from '../options.ts'
import { writeCopies } from './copies.ts'
import type { Filling } from './fill.ts'
import type { MessageRows } from './samples.ts'

const expressions = (firstId: number) => ({
  id: `(${firstId} + k)`,
  reference: "MD5(CONCAT('waiting/', k))",
  subject_id: "CONCAT('W', k)",
  idempotency_key: "CONCAT('waiting/', k)",
  shipment_status_log_id: '(200000000 + k)',
  order_number: "CONCAT('#W', k)",
  customer_phone: "CONCAT('+91', 9000000000 + k)",
  // Statistics count what changed lately, and have counted these.
  updated_at: '(UTC_TIMESTAMP(3) - INTERVAL 1 DAY)',
})

/** @param firstId of the messages; no row has it or a higher one */
export function backlogOf({ backlog }: Options, sample: MessageRows, firstId: number): Filling {
  const table = 'wa_outgoing_messages'
  const kinds = sample[table].map((like) => ({ like, expressions: expressions(firstId) }))
  return { table, rows: backlog, write: (connection) => writeCopies(connection, table, kinds, [0, backlog]) }
}
