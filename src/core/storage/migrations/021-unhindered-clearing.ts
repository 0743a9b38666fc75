import { DataTypes, type QueryInterface } from 'sequelize'
import { addColumn, addIndex } from '../schema-steps.ts'
import { createUsageCounters } from './016-quiet-hours-and-guards.ts'

const { DATE, SMALLINT } = DataTypes

/** What lets clearing go on beside something that cannot be cleared, and finds people by what they were before. */
export async function up(schema: QueryInterface): Promise<void> {
  // How often in a row an erasure failed.
  await addColumn(schema, 'erasures', 'tries', { type: SMALLINT, allowNull: false, defaultValue: 0 })
  // Of a row that could not be cleared: when to try again; null = it is only open.
  await addColumn(schema, 'retention_held_over', 'due_at', { type: DATE(3) })
  await addIndex(schema, 'wa_contacts', ['former_phone'])
  await addIndex(schema, 'wa_contacts', ['former_user_id'])
  if (await hasNumberedCounters(schema)) await schema.dropTable('usage_counters')
  await createUsageCounters(schema)
}

/** Made before anything was counted, with a number as its key: nothing is lost with it. */
async function hasNumberedCounters(schema: QueryInterface): Promise<boolean> {
  const isThere = await schema.tableExists('usage_counters')
  return isThere && 'name' in (await schema.describeTable('usage_counters'))
}
