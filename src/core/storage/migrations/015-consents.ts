import { DataTypes, type QueryInterface, QueryTypes } from 'sequelize'
import { addIndex } from '../schema-steps.ts'

const { BIGINT, DATE, INTEGER, STRING, TINYINT } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const required = <T extends object>(column: T) => ({ ...column, allowNull: false as const })
const time = required({ type: DATE(3) })

/** What customers said about being written to: once per account, whichever of its connections they said it to. */
export async function up(schema: QueryInterface): Promise<void> {
  await schema.createTable(
    'wa_consents',
    {
      id: { type: BIGINT, primaryKey: true, autoIncrement: true },
      account_id: required({ type: INTEGER }),
      /** A canonical phone (see canonical-phone.ts) or a user id; somebody of whom both are known has a row of each. */
      address: required({ type: STRING(160) }),
      /** all | marketing */
      topic: required({ type: STRING(16) }),
      is_wanted: required({ type: TINYINT }),
      /** When it was said. */
      changed_at: time,
      /** word | preference | refusal | api */
      changed_by: required({ type: STRING(32) }),
      created_at: time,
      updated_at: time,
    },
    charset,
  )
  // The address first: people are looked up in one statement, whatever account they spoke to.
  await addIndex(schema, 'wa_consents', ['address', 'account_id', 'topic'], true)
  for (const column of ['phone', 'user_id']) await copyMarketingWishes(schema, column)
}

/** What contacts said about marketing on each connection; of several connections of an account the last word counts. */
async function copyMarketingWishes(schema: QueryInterface, column: string): Promise<void> {
  await schema.sequelize.query(
    `INSERT INTO wa_consents
       (account_id, address, topic, is_wanted, changed_at, changed_by, created_at, updated_at)
     SELECT c.account_id, w.${column}, 'marketing', 1 - MAX(w.marketing_opt_out), MAX(w.marketing_changed_at),
       MAX(w.marketing_changed_by), MAX(w.updated_at), MAX(w.updated_at)
     FROM wa_contacts w JOIN wa_connections c ON c.id = w.connection_id
     WHERE w.${column} IS NOT NULL AND w.marketing_changed_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM wa_contacts later JOIN wa_connections own ON own.id = later.connection_id
         WHERE later.${column} = w.${column} AND own.account_id = c.account_id
           AND later.marketing_changed_at > w.marketing_changed_at)
       AND NOT EXISTS (SELECT 1 FROM wa_consents k
         WHERE k.address = w.${column} AND k.account_id = c.account_id AND k.topic = 'marketing')
     GROUP BY c.account_id, w.${column}`,
    { type: QueryTypes.INSERT },
  )
}
