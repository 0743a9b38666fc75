import { DataTypes, type ModelAttributes, type QueryInterface } from 'sequelize'
import { addColumn, addIndex } from '../schema-steps.ts'

const { BIGINT, DATE, INTEGER, SMALLINT, STRING, TEXT, TINYINT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const id = { type: BIGINT, primaryKey: true, autoIncrement: true }
const time = { type: DATE(3) }
const required = <T extends object>(column: T) => ({ ...column, allowNull: false as const })

const added: Record<string, ModelAttributes> = {
  wa_outgoing_messages: {
    // What the provider says it costs.
    pricing_model: { type: STRING(16) },
    pricing_type: { type: STRING(40) },
    pricing_category: { type: STRING(40) },
    is_billable: { type: TINYINT },
    conversation_id: { type: STRING(128) },
    conversation_origin: { type: STRING(40) },
  },
  // The same as it came with one report, as JSON.
  wa_dlr_messages: { pricing: { type: TEXT } },
  wa_templates: {
    /** usable | not_approved | paused; null = the provider said nothing */
    template_use: { type: STRING(16) },
    quality: { type: STRING(16) },
    status_at: time,
    category_at: time,
    quality_at: time,
  },
  wa_connections: {
    /** good | medium | bad; null = the provider said nothing */
    quality: { type: STRING(16) },
    quality_at: time,
    /** What the provider lets the number send, as JSON. */
    reported_limits: { type: TEXT },
    /** When a block ends by itself. */
    blocked_until: time,
    /** Time of the newest news that blocked or released the account. */
    block_news_at: time,
  },
}

export async function up(schema: QueryInterface): Promise<void> {
  for (const [table, columns] of Object.entries(added)) {
    for (const [name, column] of Object.entries(columns)) {
      await addColumn(schema, table, name, column as Parameters<typeof addColumn>[3])
    }
  }
  const isSqlite = schema.sequelize.getDialect() === 'sqlite'
  await schema.createTable(
    'wa_connection_events',
    {
      id,
      connection_id: required({ type: BIGINT }),
      account_id: required({ type: INTEGER }),
      topic: required({ type: STRING(64) }),
      /** info | warning | critical */
      severity: required({ type: STRING(16) }),
      summary: required({ type: STRING(1024) }),
      /** What it changes here, as JSON. */
      effects: { type: TEXT },
      payload: { type: isSqlite ? TEXT : TEXT('medium') },
      happened_at: required(time),
      /** Hash of what makes two pieces of news the same one. */
      dedupe_key: required({ type: STRING(32) }),
      /** When to apply its effects (again); null = applied. */
      due_at: time,
      tries: required({ type: SMALLINT, defaultValue: 0 }),
      created_at: required(time),
      updated_at: required(time),
    },
    charset,
  )
  await addIndex(schema, 'wa_connection_events', ['dedupe_key'], true)
  await addIndex(schema, 'wa_connection_events', ['connection_id'])
  await addIndex(schema, 'wa_connection_events', ['due_at'])
  await addIndex(schema, 'wa_connections', ['blocked_until'])
}
