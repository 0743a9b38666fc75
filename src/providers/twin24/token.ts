/**
 * Tokens of TWIN's IAM: one login per credentials at a time, shared by whoever needs the token meanwhile, and renewed
 * before it ends. Kept in memory only.
 */

import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Failure } from '../../core/contract/failures.ts'
import type { HttpClient, HttpResult, ProviderConnection } from '../../core/contract/provider.ts'
import { defined, fieldOf, parseJson, textOf } from '../shared/read.ts'
import { failureOfAnswer, isSuccess, withoutSecrets } from './answer.ts'
import { loginRules } from './codes.ts'
import { createTurns } from './turns.ts'

export type TokenResult = { readonly token: string } | { readonly failure: Failure }

export interface Tokens {
  /** A token that works as far as is known, or why there is none; whatever the reason, nothing was sent. */
  get(connection: ProviderConnection): Promise<TokenResult>
  /** It was refused: nobody gets it again. */
  drop(connection: ProviderConnection, token: string): void
}

export interface TokensDeps {
  readonly http: HttpClient
  readonly iamUrl: string
  readonly now: () => Date
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number
}

interface Known {
  readonly token: string
  readonly renewAtMs: number
  readonly endsAtMs: number
}

/** For each credentials: where logins fail, or their tokens are refused, every message would try one. */
const loginsPerSecond = 2
/** What is asked for; without it a token lives a week. */
const ttlSeconds = 86_400
/** A login is the small step before a call that has a lease to keep. */
const loginMs = 5_000
const renewAfterShare = 0.9
const longestLifeMs = 400 * 86_400_000

export function createTokens(deps: TokensDeps): Tokens {
  const known = new LRUCache<string, Known>({ max: 10_000 })
  const underWay = new Map<string, Promise<TokenResult>>()
  const turn = createTurns({ perSecond: loginsPerSecond, clock: deps.clock })

  const login = async (key: string, connection: ProviderConnection): Promise<TokenResult> => {
    await turn(key)
    const result = await askForToken(deps, connection)
    if ('failure' in result) return result
    known.set(key, livesUntil(result.token, deps.now().getTime()))
    return result
  }
  const shared = (key: string, connection: ProviderConnection): Promise<TokenResult> => {
    const running = underWay.get(key) ?? login(key, connection).finally(() => underWay.delete(key))
    underWay.set(key, running)
    return running
  }

  return {
    async get(connection) {
      const key = keyOf(connection)
      const current = known.get(key)
      const nowMs = deps.now().getTime()
      if (current && nowMs < current.renewAtMs) return current
      const renewed = await shared(key, connection)
      // Not renewed in time is no harm while the old one lives.
      return 'failure' in renewed && current && nowMs < current.endsAtMs ? current : renewed
    },
    drop(connection, token) {
      const key = keyOf(connection)
      if (known.get(key)?.token === token) known.delete(key)
    },
  }
}

/** Of the credentials, so that changed ones log in anew. */
const keyOf = ({ credentials }: ProviderConnection): string =>
  createHash('sha256')
    .update(JSON.stringify([credentials.email, credentials.password, credentials.companyId]))
    .digest('base64url')

async function askForToken({ http, iamUrl }: TokensDeps, connection: ProviderConnection): Promise<TokenResult> {
  const { email, password, companyId } = connection.credentials
  const result = await http({
    method: 'POST',
    url: `${iamUrl}/auth/login`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(defined({ email, password, companyId, ttl: ttlSeconds })),
    timeoutMs: loginMs,
  })
  return tokenIn(result, connection)
}

function tokenIn(result: HttpResult, connection: ProviderConnection): TokenResult {
  if (result.kind !== 'answer') {
    const detail = `login: ${withoutSecrets(result.reason, connection)}`
    return { failure: { code: 'connection_unreachable', detail } }
  }
  if (!isSuccess(result)) {
    const { code, detail, ...rest } = failureOfAnswer(result, connection)
    return { failure: { ...rest, code: loginRules[code] ?? code, detail: `login: ${detail}` } }
  }
  const answer = parseJson(result.body)
  const token = textOf(answer, 'token') ?? textOf(answer, 'authToken') ?? textOf(answer, 'access_token')
  if (token && /^[\x21-\x7e]+$/.test(token)) return { token }
  return { failure: { code: 'provider_busy', detail: `login: HTTP ${result.status} without a token` } }
}

/** The token itself says when it ends (`exp` in seconds, perhaps with a fraction); else what was asked for is assumed. */
function livesUntil(token: string, nowMs: number): Known {
  const claims = parseJson(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const exp = fieldOf(claims, 'exp')
  const told = typeof exp === 'number' ? exp * 1000 - nowMs : Number.NaN
  const lifeMs = told > 0 && told < longestLifeMs ? told : ttlSeconds * 1000
  return { token, renewAtMs: nowMs + lifeMs * renewAfterShare, endsAtMs: nowMs + lifeMs }
}
