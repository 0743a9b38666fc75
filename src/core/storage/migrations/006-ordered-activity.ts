import { DataTypes, type QueryInterface } from 'sequelize'

const { BIGINT, DATE, INTEGER, STRING, TEXT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const id = { type: BIGINT, primaryKey: true, autoIncrement: true }

export async function up(schema: QueryInterface): Promise<void> {
  // Number of the event within its conversation, from 1; null = written before events were numbered.
  await addColumn(schema, 'activity_events', 'sequence', { type: INTEGER })
  await dropRepeatedEvents(schema)
  await addUnique(schema, 'activity_events', ['root_outgoing_message_id', 'sequence'])
  await addUnique(schema, 'activity_events', ['root_outgoing_message_id', 'event_id'])
  // The first of the two begins with the same column.
  await dropIndex(schema, 'activity_events', 'activity_events_root_outgoing_message_id')
  await schema.createTable(
    'gateway_leases',
    {
      id,
      /** The work that one replica at a time does. */
      name: { type: STRING(64), allowNull: false, unique: true },
      holder: { type: STRING(36), allowNull: false },
      held_until: { type: DATE(3), allowNull: false },
    },
    charset,
  )
  await schema.createTable(
    'activity_waiting',
    {
      id,
      root_outgoing_message_id: { type: BIGINT, allowNull: false },
      status_log_id: { type: BIGINT, allowNull: false },
      /** The event as it is known so far, as JSON. */
      record: { type: TEXT, allowNull: false },
      /** Goes out as it is after that. */
      wait_until: { type: DATE(3), allowNull: false },
      created_at: { type: DATE(3), allowNull: false },
    },
    charset,
  )
  await addIndex(schema, 'activity_waiting', ['root_outgoing_message_id'], false)
  // What operators did with a message or a decision, for its timeline.
  await addIndex(schema, 'audit_log', ['subject_type', 'subject_id'], false)
}

/** A migration that was cut off is run again and finds part of its work done. */
async function addColumn(
  schema: QueryInterface,
  table: string,
  name: string,
  column: Parameters<QueryInterface['addColumn']>[2],
) {
  const existing = await schema.describeTable(table)
  if (!(name in existing)) await schema.addColumn(table, name, column)
}

/** Consumers drop repeats by their id, so nobody misses the later ones. */
const dropRepeatedEvents = (schema: QueryInterface) =>
  schema.sequelize.query(`DELETE FROM activity_events WHERE id IN (SELECT id FROM (
    SELECT later.id FROM activity_events later JOIN activity_events earlier
    ON earlier.root_outgoing_message_id = later.root_outgoing_message_id
    AND earlier.event_id = later.event_id AND earlier.id < later.id) AS repeated)`)

const addUnique = (schema: QueryInterface, table: string, columns: string[]) => addIndex(schema, table, columns, true)

async function addIndex(schema: QueryInterface, table: string, columns: string[], isUnique: boolean): Promise<void> {
  const name = [table, ...columns].join('_').toLowerCase().slice(0, 64)
  if (!(await hasIndex(schema, table, name))) await schema.addIndex(table, columns, { name, unique: isUnique })
}

async function dropIndex(schema: QueryInterface, table: string, name: string): Promise<void> {
  if (await hasIndex(schema, table, name)) await schema.removeIndex(table, name)
}

async function hasIndex(schema: QueryInterface, table: string, name: string): Promise<boolean> {
  const existing = (await schema.showIndex(table)) as { name: string }[]
  return existing.some((index) => index.name === name)
}
