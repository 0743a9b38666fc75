import type { QueryInterface } from 'sequelize'
import { addIndex } from '../schema-steps.ts'

/** Connections from before are read at once; the others as they come due. */
export async function up(schema: QueryInterface): Promise<void> {
  await addIndex(schema, 'wa_connections', ['templates_due_at'])
  await schema.sequelize.query('UPDATE wa_connections SET templates_due_at = created_at WHERE templates_due_at IS NULL')
}
