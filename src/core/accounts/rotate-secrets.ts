/**
 * Seals all stored secrets with the first key of the ring, in small groups, beside gateways that run. Killed at any
 * moment it is started again and finds what is left.
 */

import type { Database, Executor } from '../storage/database.ts'
import { areCurrent, openCredentials, sealCredentials } from './sealed-credentials.ts'
import type { SecretBox } from './secret-box.ts'

export interface RotationDeps {
  readonly database: Database
  readonly secrets: SecretBox
  /** Told after each group that was committed, with the number of connections sealed anew so far. */
  readonly onProgress: (rotated: number) => void
}

export interface Rotation {
  /** Connections that were looked at. */
  readonly connections: number
  /** Ids of those that no key of the ring opens. */
  readonly unreadable: readonly number[]
  readonly rotated: number
}

interface SecretRow {
  readonly id: number
  readonly account_id: number
  readonly webhook_key: string
  readonly credentials: string
}

const groupSize = 50
/** A gateway may write with the old key behind our back; each further look finds less. */
const maxLooks = 10

/** @throws {Error} when gateways go on to seal with another key */
export async function rotateSecrets(deps: RotationDeps): Promise<Rotation> {
  let rotated = 0
  for (let look = 0; look < maxLooks; look++) {
    const found = await rotateOnce(deps, rotated)
    if (found.stale === 0) return { ...found, rotated }
    rotated += found.rotated
  }
  throw new Error('gateways still seal with another key: give all of them the new SECRETS_KEYS first')
}

/** One look at all rows, deleted ones too: their secrets are as good as others to whoever has the key. */
async function rotateOnce({ database, secrets, onProgress }: RotationDeps, before: number) {
  const found = { connections: 0, stale: 0, rotated: 0, unreadable: [] as number[] }
  for (let after = 0; ; ) {
    const rows = await database.select<SecretRow>(
      `SELECT id, account_id, webhook_key, credentials FROM wa_connections WHERE id > $1 ORDER BY id LIMIT ${groupSize}`,
      [after],
    )
    const stale = rows.filter((row) => !areCurrent(row, secrets))
    const changes = stale.map((row) => ({ row, credentials: resealed(row, secrets) }))
    const rotated = await database.transaction((tx) => replaceAll(tx, changes))
    found.connections += rows.length
    found.unreadable.push(...changes.filter(({ credentials }) => !credentials).map(({ row }) => row.id))
    found.stale += changes.filter(({ credentials }) => credentials).length
    found.rotated += rotated
    if (rotated > 0) onProgress(before + found.rotated)
    after = rows.at(-1)?.id ?? after
    if (rows.length < groupSize) return found
  }
}

/** Undefined when no key of the ring opens it. */
function resealed(row: SecretRow, secrets: SecretBox): string | undefined {
  try {
    return sealCredentials(row, openCredentials(row, secrets), secrets)
  } catch {
    return undefined
  }
}

interface Change {
  readonly row: SecretRow
  readonly credentials: string | undefined
}

/** Only what is still as it was read: a gateway that changed it meanwhile wins, and the next look finds its value. */
async function replaceAll(tx: Executor, changes: readonly Change[]): Promise<number> {
  let replaced = 0
  for (const { row, credentials } of changes) {
    if (!credentials) continue
    const sql = 'UPDATE wa_connections SET credentials = $2 WHERE id = $1 AND credentials = $3'
    replaced += await tx.write(sql, [row.id, credentials, row.credentials])
  }
  return replaced
}
