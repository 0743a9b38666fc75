import { DataTypes, type QueryInterface, QueryTypes } from 'sequelize'

const { BIGINT, DATE, INTEGER } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }

export async function up(schema: QueryInterface): Promise<void> {
  await addDecisionColumns(schema)
  // Decisions of before belong to the shipments of their first messages.
  const ofRoot = (column: string) =>
    `(SELECT m.${column} FROM wa_outgoing_messages m WHERE m.id = ndr_actions.root_outgoing_message_id)`
  await schema.sequelize.query(
    `UPDATE ndr_actions SET account_id = ${ofRoot('account_id')}, shipment_id = ${ofRoot('subject_id')}
     WHERE account_id IS NULL`,
    { type: QueryTypes.UPDATE },
  )
  await addIndex(schema, 'ndr_actions', ['claim_token'], true)
  // What is pushed next, oldest first; what of the same shipment comes before it.
  await addIndex(schema, 'ndr_actions', ['state', 'id'])
  await addIndex(schema, 'ndr_actions', ['shipment_id', 'account_id', 'due_at'])
  await schema.createTable(
    'wa_link_clicks',
    {
      id: { type: BIGINT, primaryKey: true, autoIncrement: true },
      /** The message that carries the link. */
      wa_outgoing_message_id: { type: BIGINT, allowNull: false, unique: true },
      clicks: { type: INTEGER, allowNull: false },
      first_clicked_at: { type: DATE(3), allowNull: false },
      last_clicked_at: { type: DATE(3), allowNull: false },
    },
    charset,
  )
}

/** Column -> type, as both databases understand it. */
const decisionColumns: Readonly<Record<string, string>> = {
  account_id: 'INTEGER',
  /** Decisions about one shipment are pushed one after the other. */
  shipment_id: 'VARCHAR(64)',
  /** The action as activity events name it, and the customer's message that decided. */
  action_taken: 'VARCHAR(64)',
  reply_message_id: 'VARCHAR(255)',
  /** Of the push under way, or of the last one: only its holder may write down the outcome. */
  claim_token: 'VARCHAR(32)',
  /** Did a call begin whose outcome does not prove that the courier side did not take it? */
  handed_over: 'TINYINT NOT NULL DEFAULT 0',
  tried_at: 'DATETIME(3)',
}

/** All at once where the database can: it may copy the table for each statement. */
async function addDecisionColumns(schema: QueryInterface): Promise<void> {
  const existing = await schema.describeTable('ndr_actions')
  const missing = Object.entries(decisionColumns).filter(([name]) => !(name in existing))
  const additions = missing.map(([name, type]) => `ADD COLUMN ${name} ${type}`)
  const isSqlite = schema.sequelize.getDialect() === 'sqlite'
  const statements = isSqlite || additions.length === 0 ? additions : [additions.join(', ')]
  for (const statement of statements) await schema.sequelize.query(`ALTER TABLE ndr_actions ${statement}`)
}

async function addIndex(schema: QueryInterface, table: string, columns: string[], unique = false): Promise<void> {
  const name = [table, ...columns].join('_').slice(0, 64)
  const existing = (await schema.showIndex(table)) as { name: string }[]
  if (!existing.some((index) => index.name === name)) await schema.addIndex(table, columns, { name, unique })
}
