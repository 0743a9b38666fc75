/** mysql2 waits for ever on a server that went silent; this gives every statement a deadline. */

type Callback = (error: (Error & { code?: string }) | null, result?: unknown) => unknown

/** What the driver knows of one parameter of a prepared statement, as far as it uses it. */
interface Parameter {
  readonly columnType: number
  readonly flags: number
}

interface Execution {
  /** Kept for as long as the connection lasts. */
  readonly statement?: { readonly parameters?: Parameter[] }
}

interface MysqlConnection {
  execute(options: object, callback: Callback): Execution
  query(options: object, callback: Callback): unknown
  /** Marks it as closed, so that the pool lets go of it and its end is no error. */
  destroy(): void
  readonly stream: { destroy(): void }
}

const kinds = new Map<string, Parameter>()

function kindOf({ columnType, flags }: Parameter): Parameter {
  const key = `${columnType}/${flags}`
  const kind = kinds.get(key) ?? { columnType, flags }
  kinds.set(key, kind)
  return kind
}

const slimmed = new WeakSet<Parameter[]>()

/**
 * The driver keeps some hundred bytes about each parameter of each prepared statement on each connection: with rows
 * written in groups, tens of megabytes. Only type and flags are used, and they are the same for many.
 */
function slim({ statement }: Execution): void {
  const parameters = statement?.parameters
  if (!parameters || slimmed.has(parameters)) return
  slimmed.add(parameters)
  parameters.forEach((parameter, index) => {
    parameters[index] = kindOf(parameter)
  })
}

const sessionSettings = ({ silenceS, isReadOnly }: Bounds) => [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  "SET SESSION innodb_lock_wait_timeout = 5, SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
  `SET SESSION wait_timeout = ${silenceS}`,
  ...(isReadOnly ? ['SET SESSION TRANSACTION READ ONLY'] : []),
]

export interface Bounds {
  /** Deadline of one statement. */
  readonly deadlineMs: number
  /** When the server ends a connection that says nothing: a process that stands still holds its rows no longer. */
  readonly silenceS: number
  /** The server refuses every write. */
  readonly isReadOnly: boolean
}

/**
 * Puts a deadline on every statement of a new connection, and its session on READ COMMITTED in strict mode. A
 * statement that misses the deadline fails and its connection is destroyed, since an answer may still be under way.
 */
export async function boundEveryQuery(connection: unknown, bounds: Bounds): Promise<void> {
  const { deadlineMs } = bounds
  const target = connection as MysqlConnection
  const execute = target.execute.bind(target)
  const query = target.query.bind(target)
  const miss = (end: Callback) => {
    target.destroy()
    target.stream.destroy()
    end(Object.assign(new Error(`no answer within ${deadlineMs} ms`), { code: 'PROTOCOL_SEQUENCE_TIMEOUT' }))
  }
  /** The driver's own time-out leaves out the preparation of a statement. */
  const within = (callback: Callback, run: (end: Callback) => unknown): unknown => {
    let isOver = false
    const end: Callback = (error, result) => {
      clearTimeout(timer)
      if (isOver) return
      isOver = true
      return callback(error, result)
    }
    const timer = setTimeout(miss, deadlineMs, end)
    try {
      return run(end)
    } catch (error) {
      return end(error as Error)
    }
  }
  Object.assign(target, {
    execute: (sql: string, values: unknown[], callback: Callback) =>
      within(callback, (end) => {
        // On a connection that is closed already, the driver calls back before it returns.
        let execution: Execution | undefined
        execution = execute({ sql, values }, (error, result) => {
          if (execution) slim(execution)
          return end(error, result)
        })
        return execution
      }),
    query: (options: object, callback: Callback) => within(callback, (end) => query(options, end)),
  })
  for (const sql of sessionSettings(bounds)) {
    await new Promise<void>((resolve, reject) => {
      target.query({ sql }, (error) => (error ? reject(error) : resolve()))
    })
  }
}
