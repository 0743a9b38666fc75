import { newKeyRing } from '../../src/core/accounts/secret-box.ts'
import type { Stage } from '../stage.ts'

export const adminKey = 'bench-admin-key-000000'

/** What a gateway of a run has in its environment, wherever it keeps things. */
export const commonEnv = (stage: Stage) => ({
  ADMIN_API_KEY: adminKey,
  SECRETS_KEYS: newKeyRing(),
  META_BASE_URL: stage.provider.url,
})
