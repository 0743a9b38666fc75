/** Calls of TWIN's services, common to sending, asking and checking. */

import type { Failure } from '../../core/contract/failures.ts'
import type { HttpClient, HttpRequest, HttpResult, ProviderConnection } from '../../core/contract/provider.ts'
import { defined } from '../shared/read.ts'
import { isSuccess } from './answer.ts'
import type { Tokens } from './token.ts'
import { createTurns } from './turns.ts'

/** Each service has a host of its own; none can be derived from another. */
export interface Twin24Settings {
  readonly iamUrl: string
  readonly notifyUrl: string
  readonly analyseUrl: string
}

export const defaults: Twin24Settings = {
  iamUrl: 'https://iam.twin24.ai/api/v1',
  notifyUrl: 'https://notify.twin24.ai/api/v1',
  analyseUrl: 'https://analyse.twin24.ai/api/v1',
}

export const twin24Settings = (settings: Readonly<Record<string, string>>): Twin24Settings => {
  const urlOf = (name: keyof Twin24Settings) => (settings[name] || defaults[name]).replace(/\/+$/, '')
  return { iamUrl: urlOf('iamUrl'), notifyUrl: urlOf('notifyUrl'), analyseUrl: urlOf('analyseUrl') }
}

/** `not_called`: there was no token to call with, so nothing was sent. */
export type CallResult = HttpResult | { readonly kind: 'not_called'; readonly failure: Failure }

export interface Call extends Pick<HttpRequest, 'method' | 'timeoutMs'> {
  readonly url: string
  readonly body?: unknown
}

export interface Twin24Api extends Twin24Settings {
  /** Calls with the connection's token; a refused token is renewed, and the call repeated, once. */
  call(connection: ProviderConnection, call: Call): Promise<CallResult>
  /** The same for the statistics: a few a second for each connection, however many want some. */
  callStatistics(connection: ProviderConnection, call: Call): Promise<CallResult>
}

export interface ApiDeps {
  readonly http: HttpClient
  readonly settings: Twin24Settings
  readonly tokens: Tokens
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number
}

const statisticsPerSecond = 4

/** Later than that after its begin no call is repeated: whoever waits for it may be given up by then. */
const repeatWithinMs = 10_000

export function createApi({ http, settings, tokens, clock }: ApiDeps): Twin24Api {
  const turn = createTurns({ perSecond: statisticsPerSecond, clock })
  const call: Twin24Api['call'] = async (connection, request) => {
    const startedAt = clock()
    const first = await tokens.get(connection)
    if ('failure' in first) return { kind: 'not_called', failure: first.failure }
    const result = await http(requestOf(request, first.token))
    // Refused for its token, so provably not taken: only then is a call made again.
    if (result.kind !== 'answer' || result.status !== 401) return masked(result, first.token)
    tokens.drop(connection, first.token)
    if (clock() - startedAt > repeatWithinMs) return { kind: 'not_called', failure: tooLate }
    const second = await tokens.get(connection)
    if ('failure' in second) return { kind: 'not_called', failure: second.failure }
    return masked(await http(requestOf(request, second.token)), second.token)
  }
  return {
    ...settings,
    call,
    async callStatistics(connection, request) {
      await turn(connection.id)
      return call(connection, request)
    },
  }
}

const tooLate: Failure = { code: 'provider_busy', detail: 'the token was refused, and the answer took too long' }

const requestOf = ({ method, url, body, timeoutMs }: Call, token: string): HttpRequest => ({
  method,
  url,
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  ...defined({ timeoutMs, body: body === undefined ? undefined : JSON.stringify(body) }),
})

/** Words of a refusal are kept and shown, and may repeat the token. */
const masked = (result: HttpResult, token: string): HttpResult =>
  result.kind === 'answer' && !isSuccess(result) ? { ...result, body: result.body.replaceAll(token, '***') } : result
