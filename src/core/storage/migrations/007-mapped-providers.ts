import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn, addIndex } from '../schema-steps.ts'

const { BIGINT, DATE, SMALLINT, STRING, TEXT, TINYINT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }

/** Providers that find no template by our name, talk with the customer themselves, and can be asked. */
export async function up(schema: QueryInterface): Promise<void> {
  // JSON: what stands for each template there, and what the results of a dialogue there mean.
  await addColumn(schema, 'wa_connections', 'template_mappings', { type: TEXT })
  await addColumn(schema, 'wa_connections', 'dialogue_results', { type: TEXT })
  // Did the provider give our reference back when it took a message? Null: it was not seen yet.
  await addColumn(schema, 'wa_connections', 'keeps_reference', { type: TINYINT })
  // How often the provider was asked for the attempt in doubt, and did not have it.
  await addColumn(schema, 'wa_outgoing_messages', 'absences', { type: SMALLINT, allowNull: false, defaultValue: 0 })
  await schema.createTable(
    'wa_polls',
    {
      id: { type: BIGINT, primaryKey: true, autoIncrement: true },
      wa_outgoing_message_id: { type: BIGINT, allowNull: false, unique: true },
      connection_id: { type: BIGINT, allowNull: false },
      /** status | result: what is asked for. */
      awaits: { type: STRING(16), allowNull: false },
      /** Of the schedule that `awaits` has. */
      since: { type: DATE(3), allowNull: false },
      due_at: { type: DATE(3), allowNull: false },
    },
    charset,
  )
  await addIndex(schema, 'wa_polls', ['due_at'])
}
