import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn } from '../schema-steps.ts'

const { BIGINT, DATE, INTEGER, STRING, TEXT, TINYINT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const id = { type: BIGINT, primaryKey: true, autoIncrement: true }

export async function up(schema: QueryInterface): Promise<void> {
  await addColumn(schema, 'wa_outgoing_messages', 'possible_duplicate', {
    type: TINYINT,
    allowNull: false,
    defaultValue: 0,
  })
  // Start of the newest send whose reference came back: shows that this connection's webhooks arrive.
  await addColumn(schema, 'wa_connections', 'echoed_until', { type: DATE(3) })
  await schema.createTable(
    'gateway_replicas',
    {
      id,
      replica_id: { type: STRING(36), allowNull: false, unique: true },
      seen_at: { type: DATE(3), allowNull: false },
    },
    charset,
  )
  await schema.createTable(
    'audit_log',
    {
      id,
      /** Who did it: `admin`, `environment`, `gateway`. */
      actor: { type: STRING(64), allowNull: false },
      action: { type: STRING(64), allowNull: false },
      subject_type: { type: STRING(32), allowNull: false },
      subject_id: { type: STRING(64), allowNull: false },
      account_id: { type: INTEGER },
      detail: { type: TEXT },
      created_at: { type: DATE(3), allowNull: false },
    },
    charset,
  )
}
