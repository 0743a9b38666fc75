import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn, addIndex } from '../schema-steps.ts'

const { BIGINT, DATE, INTEGER, STRING } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }

/** What waits for the end of quiet hours, and what accounts have used up of a day. */
export async function up(schema: QueryInterface): Promise<void> {
  // While it is the same as `due_at`, the message waits for the morning.
  await addColumn(schema, 'wa_outgoing_messages', 'quiet_until', { type: DATE(3) })
  await createUsageCounters(schema)
}

export async function createUsageCounters(schema: QueryInterface): Promise<void> {
  await schema.createTable(
    'usage_counters',
    {
      /** Account, day, topic and what is counted, in one: `379/2026-06-20/messages`. */
      id: { type: STRING(160), primaryKey: true },
      account_id: { type: INTEGER, allowNull: false },
      /** In the account's time zone, as yyyy-mm-dd. */
      day: { type: STRING(10), allowNull: false },
      /** Messages, or millionths of a currency's unit. */
      used: { type: BIGINT, allowNull: false, defaultValue: 0 },
    },
    charset,
  )
  await addIndex(schema, 'usage_counters', ['day'])
}
