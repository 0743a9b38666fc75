import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn, addIndex } from '../schema-steps.ts'

const { BIGINT, DATE, INTEGER, SMALLINT, STRING, TEXT, TINYINT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const id = { type: BIGINT, primaryKey: true, autoIncrement: true }
const time = { type: DATE(3) }
const required = <T extends object>(column: T) => ({ ...column, allowNull: false as const })

/** Messages that people ask for: who asked, bulks of them, and answers that are given again. */
export async function up(schema: QueryInterface): Promise<void> {
  const isSqlite = schema.sequelize.getDialect() === 'sqlite'
  const longText = isSqlite ? TEXT : TEXT('medium')
  // Who asked for the message, where a person did.
  await addColumn(schema, 'wa_outgoing_messages', 'created_by', { type: STRING(64) })
  // What a lane takes first; see Priority.
  await addColumn(schema, 'wa_outgoing_messages', 'priority', { type: TINYINT, allowNull: false, defaultValue: 0 })
  await addIndex(schema, 'wa_outgoing_messages', ['created_by', 'account_id'])
  await addIndex(schema, 'wa_outgoing_messages', ['whatsappSenderConnectionId', 'priority', 'due_at'])
  await dropIndex(schema, 'wa_outgoing_messages', 'wa_outgoing_messages_whatsappsenderconnectionid_due_at')
  await addIndex(schema, 'wa_customer_reply_messages', ['from_phone'])
  await schema.createTable(
    'message_bulks',
    {
      id,
      account_id: required({ type: INTEGER }),
      /** The same however often the bulk is sent; messages of it are told by its id. */
      idempotency_key: required({ type: STRING(64) }),
      total: required({ type: INTEGER }),
      /** When all of its lines were accepted or refused; null = not yet. */
      completed_at: time,
      cancelled_at: time,
      created_at: required(time),
      updated_at: required(time),
    },
    charset,
  )
  await addIndex(schema, 'message_bulks', ['idempotency_key'], true)
  await addIndex(schema, 'message_bulks', ['account_id'])
  await schema.createTable(
    'message_bulk_errors',
    {
      id,
      bulk_id: required({ type: BIGINT }),
      /** From 1. */
      line: required({ type: INTEGER }),
      /** Why nothing was written for it, as JSON. */
      error: required({ type: TEXT }),
      created_at: required(time),
    },
    charset,
  )
  await addIndex(schema, 'message_bulk_errors', ['bulk_id', 'line'], true)
  await schema.createTable(
    'idempotent_requests',
    {
      id,
      /** Hash of the account and of the key that its caller chose. */
      request_key: required({ type: STRING(64) }),
      /** Hash of what was asked. */
      request_hash: required({ type: STRING(64) }),
      /** Who works on it; nobody else writes the answer. */
      holder: required({ type: STRING(36) }),
      held_until: required(time),
      /** Null = not answered yet. */
      status: { type: SMALLINT },
      answer: { type: longText },
      created_at: required(time),
    },
    charset,
  )
  await addIndex(schema, 'idempotent_requests', ['request_key'], true)
  await addIndex(schema, 'idempotent_requests', ['created_at'])
}

/** The index that begins with it serves what it served. */
async function dropIndex(schema: QueryInterface, table: string, name: string): Promise<void> {
  const existing = (await schema.showIndex(table)) as { name: string }[]
  if (existing.some((index) => index.name === name)) await schema.removeIndex(table, name)
}
