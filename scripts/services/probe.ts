import { connect } from 'amqplib'
import { createConnection, type RowDataPacket } from 'mysql2/promise'

const probeTimeoutMs = 5_000

/** Connects and asks for the version. Throws an error whose message says why the server cannot be used. */
export const probeMysql = async (url: string): Promise<void> => {
  const connection = await createConnection({ uri: url, connectTimeout: probeTimeoutMs })
  try {
    const [rows] = await connection.query<RowDataPacket[]>({
      sql: 'SELECT VERSION() AS version',
      timeout: probeTimeoutMs,
    })
    const version = String(rows[0]?.version)
    if (!hasSkipLocked(version)) throw new Error(`it is ${version}; MySQL 8 or MariaDB 10.6 is needed`)
  } finally {
    connection.destroy()
  }
}

/** Connects and opens a channel. Throws an error whose message says why the broker cannot be used. */
export const probeAmqp = async (url: string): Promise<void> => {
  const connection = await connect(url, { timeout: probeTimeoutMs })
  connection.on('error', () => {})
  const channel = await connection.createChannel()
  await channel.close()
  await connection.close()
}

/** Whether a server of this version knows `FOR UPDATE SKIP LOCKED` (MySQL 8.0.1, MariaDB 10.6). */
export const hasSkipLocked = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return version.includes('MariaDB') ? major > 10 || (major === 10 && minor >= 6) : major >= 8
}
