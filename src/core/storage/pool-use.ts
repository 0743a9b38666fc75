/** How the connections of the database are used. */

import type { Database } from './database.ts'

export interface PoolUse {
  readonly used: number
  readonly free: number
  /** Work that waits for a connection. */
  readonly waiting: number
}

interface SequelizePool {
  readonly using: number
  readonly available: number
  readonly waiting: number
}

/** Sequelize's types leave its pool out; an embedded database shares one file and has no pool to run out of. */
export function poolUse({ sequelize }: Pick<Database, 'sequelize'>): PoolUse {
  const { pool } = sequelize.connectionManager as unknown as { readonly pool?: SequelizePool }
  return { used: pool?.using ?? 0, free: pool?.available ?? 0, waiting: pool?.waiting ?? 0 }
}
