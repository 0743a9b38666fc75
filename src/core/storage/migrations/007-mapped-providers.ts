import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn, addIndex } from '../schema-steps.ts'

const { BIGINT, DATE, SMALLINT, STRING, TEXT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }

/** Providers that find no template by our name, talk with the customer themselves, and can be asked. */
export async function up(schema: QueryInterface): Promise<void> {
  // JSON: what stands for each template there, and what the results of a dialogue there mean.
  await addColumn(schema, 'wa_connections', 'template_mappings', { type: TEXT })
  await addColumn(schema, 'wa_connections', 'dialogue_results', { type: TEXT })
  // A reference that the provider gave back when it took the message. Null: none was seen, or the newest was not kept.
  await addColumn(schema, 'wa_connections', 'kept_reference', { type: STRING(64) })
  await addColumn(schema, 'wa_connections', 'kept_at', { type: DATE(3) })
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
