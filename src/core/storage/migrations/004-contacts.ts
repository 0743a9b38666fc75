import { DataTypes, type QueryInterface } from 'sequelize'

const { BIGINT, DATE, SMALLINT, STRING, TEXT, TINYINT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const id = { type: BIGINT, primaryKey: true, autoIncrement: true }
const time = { type: DATE(3) }
const required = <T extends object>(column: T) => ({ ...column, allowNull: false as const })
const stamps = { created_at: required(time), updated_at: required(time) }
const phone = { type: STRING(32) }
const userId = { type: STRING(160) }

export async function up(schema: QueryInterface): Promise<void> {
  const isSqlite = schema.sequelize.getDialect() === 'sqlite'
  await schema.createTable(
    'wa_contacts',
    {
      id,
      connection_id: required({ type: BIGINT }),
      /** In the one way in which a number is written here, whatever its network calls it; see canonical-phone.ts. */
      phone,
      user_id: userId,
      /** What they were before the customer changed them. */
      former_phone: phone,
      former_user_id: userId,
      name: { type: STRING(128) },
      /** When the customer last wrote: opens the 24-hour window. */
      last_inbound_at: time,
      /** When a person last wrote to them from the business phone. */
      human_wrote_at: time,
      marketing_opt_out: required({ type: TINYINT, defaultValue: 0 }),
      marketing_changed_at: time,
      /** What said so: preference | refusal */
      marketing_changed_by: { type: STRING(32) },
      ...stamps,
    },
    charset,
  )
  await schema.createTable(
    'wa_contact_news',
    {
      id,
      connection_id: required({ type: BIGINT }),
      /** human_wrote | marketing_stopped | marketing_resumed | moved */
      news: required({ type: STRING(32) }),
      /** Hash of what makes two news the same one. */
      dedupe_key: required({ type: STRING(32) }),
      phone,
      user_id: userId,
      new_phone: phone,
      new_user_id: userId,
      /** Of a message that a person wrote: the provider's id, its type, what it says. */
      message_id: { type: STRING(255) },
      message_type: { type: STRING(32) },
      message_value: { type: TEXT },
      wa_root_outgoing_message_id: { type: BIGINT },
      payload: { type: isSqlite ? TEXT : TEXT('medium') },
      external_timestamp: time,
      due_at: time,
      tries: required({ type: SMALLINT, defaultValue: 0 }),
      ...stamps,
    },
    charset,
  )
  await addColumn(schema, 'wa_customer_reply_messages', 'from_name', { type: STRING(128) })
  // When a reply that answers nothing we know was announced; it is announced once.
  await addColumn(schema, 'wa_customer_reply_messages', 'announced_at', time)
  await addColumn(schema, 'wa_conversations', 'closed_at', time)
  // The shipment update that ended it, e.g. `delivered`.
  await addColumn(schema, 'wa_conversations', 'closed_by', { type: STRING(32) })
  for (const [table, isUnique, ...columns] of indexes) await addIndex(schema, table, columns, isUnique)
  await enterKnownContacts(schema)
}

const indexes: [table: string, isUnique: boolean, ...columns: string[]][] = [
  // The address first: contacts of several connections are looked up in one statement.
  ['wa_contacts', true, 'phone', 'connection_id'],
  ['wa_contacts', true, 'user_id', 'connection_id'],
  ['wa_contact_news', true, 'dedupe_key'],
  ['wa_contact_news', false, 'due_at'],
  ['wa_contact_news', false, 'wa_root_outgoing_message_id'],
  ['wa_outgoing_messages', false, 'customer_user_id'],
]

/** Whoever wrote before there were contacts has an open window as well. */
async function enterKnownContacts(schema: QueryInterface): Promise<void> {
  await schema.sequelize.query(
    `INSERT INTO wa_contacts (connection_id, phone, last_inbound_at, created_at, updated_at)
     SELECT r.connection_id, r.from_phone, MAX(r.created_at), MAX(r.created_at), MAX(r.created_at)
     FROM wa_customer_reply_messages r
     LEFT JOIN wa_contacts c ON c.phone = r.from_phone AND c.connection_id = r.connection_id
     WHERE r.from_phone IS NOT NULL AND c.id IS NULL GROUP BY r.connection_id, r.from_phone`,
  )
}

/** DDL is not transactional: a migration that was cut off is run again and finds part of its work done. */
async function addColumn(
  schema: QueryInterface,
  table: string,
  name: string,
  column: Parameters<QueryInterface['addColumn']>[2],
) {
  const existing = await schema.describeTable(table)
  if (!(name in existing)) await schema.addColumn(table, name, column)
}

async function addIndex(schema: QueryInterface, table: string, columns: string[], isUnique: boolean): Promise<void> {
  const name = [table, ...columns].join('_').toLowerCase().slice(0, 64)
  const existing = (await schema.showIndex(table)) as { name: string }[]
  if (!existing.some((index) => index.name === name)) await schema.addIndex(table, columns, { name, unique: isUnique })
}
