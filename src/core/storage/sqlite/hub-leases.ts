/** Which connections use which hub: the first one opens it, the last one to leave closes it. */

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Hub, type HubOptions, openHub } from './hub.ts'
import { sqliteError } from './values.ts'

export interface HubLease {
  readonly hub: Hub
  /** Takes the connection out of the hub; again is harmless. */
  end(): void
}

export interface FileAccess {
  readonly isReadOnly: boolean
  readonly mayCreate: boolean
}

interface SharedHub {
  readonly opening: Promise<Hub>
  readonly users: Set<object>
}

/** Makes the function that gives a connection its hub. @throws SQLITE_CANTOPEN, SQLITE_BUSY (by rejection) */
export function createHubLeases(options: Pick<HubOptions, 'driver' | 'synchronous' | 'lockDeadlineMs'>) {
  const sharedHubs = new Map<unknown, SharedHub>()

  return async (connection: object, filename: string, access: FileAccess): Promise<HubLease> => {
    const { key, path, isMissing } = locate(filename)
    if (isMissing && !access.mayCreate) throw sqliteError('SQLITE_CANTOPEN', `no such file: ${filename}`)
    const open = () => openHub({ ...options, path, isReadOnly: access.isReadOnly })
    const shared = sharedHubs.get(key) ?? { opening: open(), users: new Set() }
    sharedHubs.set(key, shared)
    shared.users.add(connection)
    const leave = () => {
      const wasUser = shared.users.delete(connection)
      if (shared.users.size === 0 && sharedHubs.get(key) === shared) sharedHubs.delete(key)
      return wasUser
    }
    const hub = await shared.opening.catch((error: unknown) => {
      leave()
      throw error
    })
    const end = () => {
      if (!leave()) return
      hub.release(connection)
      if (shared.users.size === 0) hub.close()
    }
    return { hub, end }
  }
}

/** Plain `:memory:` is nobody else's database, so its key is new each time. */
function locate(filename: string): { key: unknown; path: string; isMissing: boolean } {
  if (filename === ':memory:') return { key: Symbol(filename), path: filename, isMissing: false }
  if (filename.startsWith(':memory:')) return { key: filename, path: filename, isMissing: false }
  const path = resolve(filename)
  return { key: path, path, isMissing: !existsSync(path) }
}
