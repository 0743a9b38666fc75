/** Connections that a request names: by its path, or in its body. */

import { type Connection, type ConnectionStore, platformAccountId } from '../../core/accounts/connections.ts'
import type { Caller } from '../caller.ts'
import { HttpProblem, notFound } from '../problem.ts'
import { rowId } from '../steps/validate.ts'

export interface UsableDeps {
  readonly connections: ConnectionStore
  /** The connection of everybody who has none of their own. */
  readonly platformConnection: () => Promise<Connection | undefined>
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

/** Who names a connection, for which account, and which one stands there now. */
interface Naming {
  readonly caller: Caller
  readonly accountId: number
  readonly present: number | undefined
}

/**
 * An account may name its own connections and the platform's default one. Another one of the platform's is for who runs
 * the gateway to give; a client whose account was given one may keep it.
 * @param path of the field that names it
 * @throws {HttpProblem} 422 in the same words whether it does not exist or is another's
 */
export async function assertUsable(deps: UsableDeps, naming: Naming, id: string, path: string): Promise<void> {
  const connection = await deps.connections.get(Number(id))
  if (connection && connection.state !== 'deleted' && (await isUsable(deps, naming, connection))) return
  const message = "is neither a connection of this account nor the platform's default one"
  throw new HttpProblem(422, 'the connection cannot be used', { errors: [{ path, message }] })
}

async function isUsable(
  { platformConnection }: UsableDeps,
  { caller, accountId, present }: Naming,
  connection: Connection,
): Promise<boolean> {
  if (connection.accountId === accountId || connection.id === present) return true
  if (caller.kind === 'admin') return connection.accountId === platformAccountId
  return connection.id === (await platformConnection())?.id
}
