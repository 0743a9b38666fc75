/** One clock for all replicas: the database's, carried on between readings by the process's monotonic one. */

import type { Database } from './database.ts'
import { fromSqlTime } from './time.ts'

export interface DatabaseClock {
  now(): Date
  /** Reads the database's clock again. */
  synchronise(): Promise<void>
}

/** A reading that took longer says too little about the moment it was made. */
const usefulReadingMs = 1_000

/** @param database whose clock counts; the embedded one lives on this machine, whose clock is as good */
export async function createDatabaseClock(database: Database): Promise<DatabaseClock> {
  let originMs = Date.now() - performance.now()
  const synchronise = async () => {
    const beforeMs = performance.now()
    const readMs = database.dialect === 'mysql' ? await readClock(database) : Date.now()
    const afterMs = performance.now()
    if (afterMs - beforeMs < usefulReadingMs) originMs = readMs - (beforeMs + afterMs) / 2
  }
  await synchronise()
  return { now: () => new Date(originMs + performance.now()), synchronise }
}

async function readClock(database: Database): Promise<number> {
  const [row] = await database.select<{ now: string }>('SELECT UTC_TIMESTAMP(3) AS now')
  return fromSqlTime(row?.now)?.getTime() ?? Date.now()
}
