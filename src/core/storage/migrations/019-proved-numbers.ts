import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn } from '../schema-steps.ts'

/**
 * When the provider showed a connection's number with the connection's own credentials; null = it did not. Of earlier
 * ones those count that the environment describes, and those through which Meta took a message as they stand now: the
 * number is named in each of its calls.
 */
export async function up(schema: QueryInterface): Promise<void> {
  await addColumn(schema, 'wa_connections', 'number_proved_at', { type: DataTypes.DATE(3) })
  await schema.sequelize.query(`
    UPDATE wa_connections SET number_proved_at = updated_at
    WHERE number_proved_at IS NULL AND sender_id IS NOT NULL AND state <> 'deleted' AND (
      managed_by = 'environment' OR (provider = 'meta' AND EXISTS (
        SELECT 1 FROM wa_outgoing_messages sent
        WHERE sent.whatsappSenderConnectionId = wa_connections.id AND sent.accepted_at >= wa_connections.updated_at)))`)
}
