import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn } from '../schema-steps.ts'

const { BIGINT, DATE, STRING, TEXT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const time = { type: DATE(3) }

const columns = {
  wa_templates: {
    vendor_id: { type: STRING(64) },
    /** Variables with their kinds, buttons, and what else a message would have to fill, as JSON; null = never read. */
    definition: { type: TEXT },
    /** When the provider's list showed it last. */
    seen_at: time,
  },
  wa_connections: {
    /** When to read its templates from the provider; null = never read. */
    templates_due_at: time,
    templates_read_at: time,
    /** Why the last reading failed; null = it did not. */
    templates_problem: { type: STRING(1024) },
  },
} as const

/** What a doctor looks at: whether webhooks prove themselves, and templates as they stand at the provider. */
export async function up(schema: QueryInterface): Promise<void> {
  for (const [table, added] of Object.entries(columns))
    for (const [name, column] of Object.entries(added)) await addColumn(schema, table, name, column)
  await schema.createTable(
    'wa_webhook_notes',
    {
      id: { type: BIGINT, primaryKey: true, autoIncrement: true },
      connection_id: { type: BIGINT, allowNull: false, unique: true },
      /** Newest webhook that proved itself, to the minute. */
      accepted_at: time,
      /** Newest one that did not. */
      refused_at: time,
    },
    charset,
  )
}
