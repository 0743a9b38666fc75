import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn } from '../schema-steps.ts'

/**
 * When the provider showed a connection's number with the connection's own credentials; null = it did not. Of earlier
 * ones those of the environment count; the others are proved by what is known of their messages, or asked.
 */
export async function up(schema: QueryInterface): Promise<void> {
  await addColumn(schema, 'wa_connections', 'number_proved_at', { type: DataTypes.DATE(3) })
  await schema.sequelize.query(
    `UPDATE wa_connections SET number_proved_at = updated_at
     WHERE number_proved_at IS NULL AND sender_id IS NOT NULL AND managed_by = 'environment' AND state <> 'deleted'`,
  )
}
