/** Connections that a request names: by its path, or in its body. */

import type { Connection, ConnectionStore } from '../../core/accounts/connections.ts'
import { HttpProblem, notFound } from '../problem.ts'
import { rowId } from '../steps/validate.ts'

export interface UsableDeps {
  readonly connections: ConnectionStore
}

/** @throws {HttpProblem} 404 when there is none with this id, or it was deleted */
export async function findConnection(
  connections: Pick<ConnectionStore, 'get'>,
  id: string | undefined,
): Promise<Connection> {
  const connection = await connections.get(rowId(id) ?? 0)
  if (!connection || connection.state === 'deleted') throw notFound('connection')
  return connection
}

/**
 * An account may name its own connections and the platform's, nobody else's.
 * @param path of the field that names it
 * @throws {HttpProblem} 400
 */
export async function assertUsable(
  { connections }: UsableDeps,
  accountId: number,
  id: string,
  path: string,
): Promise<void> {
  const connection = await connections.get(Number(id))
  const platform = await connections.platform()
  const isUsable = connection?.accountId === accountId || platform.some((own) => own.id === connection?.id)
  if (!connection || connection.state === 'deleted' || !isUsable) {
    const errors = [{ path, message: 'is no connection of this account' }]
    throw new HttpProblem(400, 'the body is not valid', { errors })
  }
}
