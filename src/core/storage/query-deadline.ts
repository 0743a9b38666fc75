/** mysql2 waits for ever on a server that went silent; this gives every statement a deadline. */

type Callback = (error: (Error & { code?: string }) | null, result?: unknown) => unknown

interface MysqlConnection {
  execute(options: object, callback: Callback): unknown
  query(options: object, callback: Callback): unknown
  /** Marks it as closed, so that the pool lets go of it and its end is no error. */
  destroy(): void
  readonly stream: { destroy(): void }
}

const sessionSettings = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  "SET SESSION innodb_lock_wait_timeout = 5, SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
]

/**
 * Puts a deadline on every statement of a new connection, and its session on READ COMMITTED in strict mode. A
 * statement that misses the deadline fails and its connection is destroyed, since an answer may still be under way.
 */
export async function boundEveryQuery(connection: unknown, deadlineMs: number): Promise<void> {
  const target = connection as MysqlConnection
  const execute = target.execute.bind(target)
  const query = target.query.bind(target)
  const ending =
    (callback: Callback): Callback =>
    (error, result) => {
      if (error?.code === 'PROTOCOL_SEQUENCE_TIMEOUT') {
        target.destroy()
        target.stream.destroy()
      }
      return callback(error, result)
    }
  Object.assign(target, {
    execute: (sql: string, values: unknown[], callback: Callback) =>
      execute({ sql, values, timeout: deadlineMs }, ending(callback)),
    query: (options: object, callback: Callback) => query({ timeout: deadlineMs, ...options }, ending(callback)),
  })
  for (const sql of sessionSettings) {
    await new Promise<void>((resolve, reject) => {
      target.query({ sql }, (error) => (error ? reject(error) : resolve()))
    })
  }
}
