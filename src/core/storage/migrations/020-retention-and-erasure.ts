import { DataTypes, type QueryInterface } from 'sequelize'
import { addIndex } from '../schema-steps.ts'

const { BIGINT, DATE, INTEGER, STRING, TEXT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const id = { type: BIGINT, primaryKey: true, autoIncrement: true }
const time = { type: DATE(3) }
const required = <T extends object>(column: T) => ({ ...column, allowNull: false as const })

/** How far old data was cleared, and which people are being erased. */
export async function up(schema: QueryInterface): Promise<void> {
  await schema.createTable(
    'retention_marks',
    {
      id,
      /** Of the step that goes through a table. */
      name: { ...required({ type: STRING(64) }), unique: true },
      /** Up to this id all rows were dealt with, but for those that are held over. */
      position: required({ type: BIGINT }),
    },
    charset,
  )
  await schema.createTable(
    'retention_held_over',
    {
      id,
      name: required({ type: STRING(64) }),
      /** A row that was old already and still open. */
      row_id: required({ type: BIGINT }),
    },
    charset,
  )
  await schema.createTable(
    'erasures',
    {
      id,
      reference: { ...required({ type: STRING(32) }), unique: true },
      /** Whose data about the person are erased; null = everybody's. */
      account_id: { type: INTEGER },
      requested_by: required({ type: STRING(64) }),
      requested_at: required(time),
      /** By what the person is found, sealed; null once nothing is looked for any more. */
      person: { type: TEXT },
      /** working | watching | done */
      state: required({ type: STRING(16) }),
      /** Table -> rows that were cleared or deleted, as JSON. */
      counts: required({ type: TEXT }),
      /** Table -> id up to which it was searched, as JSON. */
      searched: required({ type: TEXT }),
      watched_until: required(time),
      /** When to look again; null = done. */
      due_at: time,
    },
    charset,
  )
  await schema.createTable(
    'erased_messages',
    {
      id,
      erasure_id: required({ type: BIGINT }),
      wa_outgoing_message_id: required({ type: BIGINT }),
    },
    charset,
  )
  await addIndex(schema, 'retention_held_over', ['name', 'row_id'], true)
  await addIndex(schema, 'erasures', ['due_at'])
  await addIndex(schema, 'erased_messages', ['erasure_id', 'wa_outgoing_message_id'], true)
  for (const column of ['from_phone', 'from_user_id']) await addIndex(schema, 'wa_customer_reply_messages', [column])
  for (const column of ['phone', 'user_id', 'new_phone', 'new_user_id'])
    await addIndex(schema, 'wa_contact_news', [column])
}
