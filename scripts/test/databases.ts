import { createConnection, type RowDataPacket } from 'mysql2/promise'

/** Drops the databases that tests of this run left behind (`fdr_test_<runId>_*`) and gives their names. */
export const dropTestDatabases = async (mysqlUrl: string, runId: string): Promise<string[]> => {
  const connection = await createConnection({ uri: mysqlUrl, connectTimeout: 5_000 })
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT schema_name AS name FROM information_schema.schemata WHERE LEFT(schema_name, ?) = ?',
      [`fdr_test_${runId}_`.length, `fdr_test_${runId}_`],
    )
    const names = rows.map((row) => String(row.name))
    for (const name of names) await connection.query('DROP DATABASE ??', [name])
    return names
  } finally {
    connection.destroy()
  }
}
