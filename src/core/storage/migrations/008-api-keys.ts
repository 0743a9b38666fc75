import { DataTypes, type QueryInterface, QueryTypes } from 'sequelize'
import { addColumn, addIndex } from '../schema-steps.ts'

const { BIGINT, DATE, INTEGER, STRING } = DataTypes

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }
const time = { type: DATE(3) }
const required = <T extends object>(column: T) => ({ ...column, allowNull: false as const })

/** Clients call with keys of their own, and see what belongs to their account. */
export async function up(schema: QueryInterface): Promise<void> {
  await schema.createTable(
    'api_keys',
    {
      id: { type: BIGINT, primaryKey: true, autoIncrement: true },
      account_id: required({ type: INTEGER }),
      name: required({ type: STRING(128) }),
      /** How the key begins, by which people know it again. */
      prefix: required({ type: STRING(16) }),
      /** SHA-256 of the key, hex. */
      key_hash: required({ type: STRING(64) }),
      /** `read,send,manage` or some of them. */
      scopes: required({ type: STRING(64) }),
      created_by: required({ type: STRING(64) }),
      expires_at: time,
      last_used_at: time,
      revoked_at: time,
      created_at: required(time),
      updated_at: required(time),
    },
    charset,
  )
  await addIndex(schema, 'api_keys', ['key_hash'], true)
  // Whose a parked body is; null = nobody can tell, so that only the administrator sees it.
  await addColumn(schema, 'rejected_events', 'account_id', { type: INTEGER })
  await schema.sequelize.query(
    `UPDATE rejected_events SET account_id =
       (SELECT c.account_id FROM wa_connections c WHERE c.id = rejected_events.connection_id)
     WHERE account_id IS NULL AND connection_id IS NOT NULL`,
    { type: QueryTypes.UPDATE },
  )
  // Pages of one account, in the order of their ids.
  for (const table of ['api_keys', 'rejected_events', 'audit_log', 'ndr_actions', 'activity_events'])
    await addIndex(schema, table, ['account_id', 'id'])
}
