import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn, addIndex } from '../schema-steps.ts'

const { BIGINT, BLOB, DATE, INTEGER, SMALLINT, STRING, TEXT, TINYINT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const time = { type: DATE(3) }

export async function up(schema: QueryInterface): Promise<void> {
  const isSqlite = schema.sequelize.getDialect() === 'sqlite'
  // Who asked for the message, where a person did.
  await addColumn(schema, 'wa_outgoing_messages', 'created_by', { type: STRING(64) })
  // What its provider says it costs, in millionths of the currency in which that provider bills.
  await addColumn(schema, 'wa_outgoing_messages', 'price_micros', { type: BIGINT })
  // What changed since statistics were last counted.
  await addIndex(schema, 'wa_outgoing_messages', ['updated_at'])
  await addIndex(schema, 'wa_customer_reply_messages', ['updated_at'])
  await addIndex(schema, 'ndr_actions', ['updated_at'])
  await schema.createTable(
    'wa_stats_blocks',
    {
      /** Number of the block: the message's id divided by the size of a block. */
      id: { type: BIGINT, primaryKey: true },
      /** Something in it changed since it was counted. */
      is_due: { type: TINYINT, allowNull: false },
      /** Half-hours since 1970 of its first and last message. */
      first_slot: { type: INTEGER },
      last_slot: { type: INTEGER },
      /** What was counted, as JSON, deflated. */
      cells: { type: isSqlite ? BLOB : BLOB('medium') },
    },
    charset,
  )
  await addIndex(schema, 'wa_stats_blocks', ['is_due', 'id'])
  await schema.createTable(
    'wa_stats_sums',
    {
      id: { type: BIGINT, primaryKey: true, autoIncrement: true },
      /** Scope, account, number of half-hours and the first of them. */
      name: { type: STRING(64), allowNull: false, unique: true },
      scope: { type: STRING(16), allowNull: false },
      /** 0 where the scope is of all accounts together. */
      account_id: { type: INTEGER, allowNull: false },
      slots: { type: SMALLINT, allowNull: false },
      /** Half-hours since 1970. */
      first_slot: { type: INTEGER, allowNull: false },
      /** The sum of all blocks, as JSON. */
      cells: { type: isSqlite ? TEXT : TEXT('medium'), allowNull: false },
    },
    charset,
  )
  await addIndex(schema, 'wa_stats_sums', ['scope', 'account_id', 'slots', 'first_slot'])
  await addIndex(schema, 'wa_stats_sums', ['scope', 'slots', 'first_slot'])
  await schema.createTable(
    'wa_stats_state',
    {
      id: { type: BIGINT, primaryKey: true },
      /** clear | mark, while all is counted anew; null = no such thing is under way */
      phase: { type: STRING(16) },
      /** The next block to be marked. */
      next_block: { type: BIGINT, allowNull: false },
      /** Changes up to here were looked for once, and once more when none could still be uncommitted. */
      seen_until: { ...time, allowNull: false },
      settled_until: { ...time, allowNull: false },
      /** When nothing that was seen was left to count; null while all is counted anew. */
      counted_until: time,
    },
    charset,
  )
}
