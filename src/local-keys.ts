/** Keys of an embedded installation: made at first start, kept beside its database. */

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createSecretBox, newKeyRing } from './core/accounts/secret-box.ts'
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
  if (!isEmbedded(env)) return fromEnvironment(env)
  const folder = folderOf(env)
  const adminKeyPath = join(folder, 'admin-key')
  const isNew = !env.ADMIN_API_KEY && !existsSync(adminKeyPath)
  return {
    secretsKeys: resolveSecretsKeys(env),
    adminKey: env.ADMIN_API_KEY ?? kept(adminKeyPath, () => randomBytes(24).toString('base64url')),
    ...(isNew ? { newAdminKeyPath: adminKeyPath } : {}),
  }
}

/**
 * The key ring alone, for commands that nobody calls by HTTP.
 * @throws {EnvError} when there is none, or the kept one has the wrong form
 */
export function resolveSecretsKeys(env: Env): string {
  if (env.SECRETS_KEYS) return env.SECRETS_KEYS
  if (!isEmbedded(env)) throw new EnvError(isNeeded('SECRETS_KEYS'))
  const path = join(folderOf(env), 'secrets-keys')
  const ring = kept(path, newKeyRing)
  try {
    createSecretBox(ring)
  } catch (error) {
    throw new EnvError(`${path}: ${(error as Error).message}`)
  }
  return ring
}

const isEmbedded = ({ DATABASE_URL }: Env): boolean => DATABASE_URL.startsWith('sqlite:')

const folderOf = ({ DATABASE_URL }: Env): string =>
  DATABASE_URL.includes(':memory:') ? './data' : dirname(DATABASE_URL.slice('sqlite:'.length))

const isNeeded = (name: string): string => `${name}: is needed with a database server, the same for all replicas`

function fromEnvironment({ SECRETS_KEYS, ADMIN_API_KEY }: Env): Keys {
  const missing = Object.entries({ SECRETS_KEYS, ADMIN_API_KEY }).filter(([, value]) => !value)
  if (missing.length > 0) {
    throw new EnvError(missing.map(([name]) => isNeeded(name)).join('\n'))
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
