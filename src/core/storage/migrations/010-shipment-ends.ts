import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn, addIndex } from '../schema-steps.ts'

const { BIGINT, DATE, INTEGER, SMALLINT, STRING } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }

/** Which shipments are over, and what of a message's claims and resends was nobody's attempt or somebody's wish. */
export async function up(schema: QueryInterface): Promise<void> {
  await schema.createTable(
    'shipment_ends',
    {
      id: { type: BIGINT, primaryKey: true, autoIncrement: true },
      shipment_id: { type: STRING(64), allowNull: false },
      account_id: { type: INTEGER, allowNull: false },
      /** As `flows.yaml` names it, e.g. `delivered`; the first one that was told. */
      status: { type: STRING(32), allowNull: false },
      ended_at: { type: DATE(3), allowNull: false },
    },
    charset,
  )
  await addIndex(schema, 'shipment_ends', ['shipment_id', 'account_id'], true)
  await addIndex(schema, 'shipment_ends', ['ended_at'])
  // When an operator last had it sent again.
  await addColumn(schema, 'wa_outgoing_messages', 'resent_by_hand_at', { type: DATE(3) })
  // Claims that were given back before any call: counted in `attempts`, which tells claims apart.
  await addColumn(schema, 'wa_outgoing_messages', 'given_back', { type: SMALLINT, allowNull: false, defaultValue: 0 })
}
