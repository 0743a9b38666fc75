/** Keys of an embedded installation: made at first start, kept beside its database. */

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { newKeyRing } from './core/accounts/secret-box.ts'
import { type Env, EnvError } from './env.ts'

export interface Keys {
  readonly secretsKeys: string
  readonly adminKey: string
  /** Where the administrator's key was written just now. */
  readonly newAdminKeyPath?: string
}

/**
 * The keys from the environment, or the ones beside the embedded database.
 * @throws {EnvError} when a server installation gives none, since replicas must share them, or a kept one is empty
 */
export function resolveKeys(env: Env): Keys {
  if (!env.DATABASE_URL.startsWith('sqlite:')) return fromEnvironment(env)
  const folder = env.DATABASE_URL.includes(':memory:') ? './data' : dirname(env.DATABASE_URL.slice('sqlite:'.length))
  const adminKeyPath = join(folder, 'admin-key')
  const isNew = !env.ADMIN_API_KEY && !existsSync(adminKeyPath)
  return {
    secretsKeys: env.SECRETS_KEYS ?? kept(join(folder, 'secrets-keys'), newKeyRing),
    adminKey: env.ADMIN_API_KEY ?? kept(adminKeyPath, () => randomBytes(24).toString('base64url')),
    ...(isNew ? { newAdminKeyPath: adminKeyPath } : {}),
  }
}

function fromEnvironment({ SECRETS_KEYS, ADMIN_API_KEY }: Env): Keys {
  const missing = Object.entries({ SECRETS_KEYS, ADMIN_API_KEY }).filter(([, value]) => !value)
  if (missing.length > 0) {
    throw new EnvError(
      missing.map(([name]) => `${name}: is needed with a database server, the same for all replicas`).join('\n'),
    )
  }
  return { secretsKeys: SECRETS_KEYS ?? '', adminKey: ADMIN_API_KEY ?? '' }
}

function kept(path: string, make: () => string): string {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, make(), { mode: 0o600, flag: 'wx' })
  }
  const key = readFileSync(path, 'utf8').trim()
  if (key === '') throw new EnvError(`${path}: is empty; remove it and a new one is made`)
  return key
}
