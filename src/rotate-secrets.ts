/** Seals every stored secret with the first key of `SECRETS_KEYS`; safe beside gateways that run. */

import { rotateSecrets } from './core/accounts/rotate-secrets.ts'
import { createSecretBox } from './core/accounts/secret-box.ts'
import { openDatabase } from './core/storage/database.ts'
import { EnvError, loadDotEnv, readEnv } from './env.ts'
import { resolveSecretsKeys } from './local-keys.ts'

async function main(): Promise<void> {
  loadDotEnv()
  const env = readEnv(process.env)
  const secrets = createSecretBox(resolveSecretsKeys(env))
  const database = openDatabase({ url: env.DATABASE_URL })
  const onProgress = (rotated: number) => process.stdout.write(`sealed anew: ${rotated}\n`)
  const { connections, unreadable, rotated } = await rotateSecrets({ database, secrets, onProgress }).finally(() =>
    database.close(),
  )
  process.stdout.write(`${rotated} of ${connections} connections sealed anew with the key ${secrets.sealingKeyId}\n`)
  if (unreadable.length === 0) return
  process.stderr.write(
    `No key of SECRETS_KEYS opens the connections ${unreadable.join(', ')}: add the one that does.\n`,
  )
  process.exitCode = 1
}

main().catch((error: unknown) => {
  const sentence = error instanceof EnvError ? `The environment cannot be used:\n${error.message}` : String(error)
  process.stderr.write(`${sentence}\n`)
  process.exitCode = 1
})
