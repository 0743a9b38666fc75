import { DataTypes, type QueryInterface } from 'sequelize'

const { BIGINT, DATE, STRING, TEXT } = DataTypes

const time = { type: DATE(3) }

/** Connections that are mirrors, and how reading them went. */
export async function up(schema: QueryInterface): Promise<void> {
  // An id at the engine is longer than `environment`; the embedded database keeps texts of any length.
  if (schema.sequelize.getDialect() === 'mysql')
    await schema.sequelize.query('ALTER TABLE wa_connections MODIFY managed_by VARCHAR(160) NULL')
  await schema.createTable(
    'engine_turns',
    {
      id: { type: BIGINT, primaryKey: true },
      due_at: { type: DATE(3), allowNull: false },
      tried_at: time,
      read_at: time,
      /** Why the last try failed; null = it did not. */
      problem: { type: STRING(1024) },
      /** What is wrong with single connections there, as JSON. */
      problems: { type: TEXT },
    },
    { charset: 'utf8mb4', collate: 'utf8mb4_bin' },
  )
}
