import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn } from '../schema-steps.ts'

const { DATE, SMALLINT } = DataTypes

/** When shipments ended by their own account, and how often a message was looked at in vain. */
export async function up(schema: QueryInterface): Promise<void> {
  // As the update told it; null where it did not.
  await addColumn(schema, 'shipment_ends', 'happened_at', { type: DATE(3) })
  await addColumn(schema, 'wa_outgoing_messages', 'put_offs', { type: SMALLINT, allowNull: false, defaultValue: 0 })
}
