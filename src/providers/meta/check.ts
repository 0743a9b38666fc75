/** Findings about a connection, each with what to do. */

import { createHmac } from 'node:crypto'
import { addressOf } from '../../core/contract/address.ts'
import type { ConnectionCheck, HttpClient, ProviderConnection } from '../../core/contract/provider.ts'
import { parseJson, textOf } from '../shared/read.ts'
import { accountChecks, appSecretChecks, numbersPath, subscriptionChecks } from './account-check.ts'
import { ask } from './ask.ts'
import { unreachable } from './findings.ts'
import { accountCall, type GraphSettings, graphCall, phoneNumberCall } from './graph.ts'
import { numberChecks, numberFields } from './number-check.ts'
import { isTokenDead, tokenChecks } from './token-check.ts'

/** Asks Meta about the token first, and with one that works about number, account, subscription and app secret. */
export async function checkConnection(
  http: HttpClient,
  graph: GraphSettings,
  connection: ProviderConnection,
): Promise<ConnectionCheck[]> {
  const questions = questionsOf(graph, connection)
  const token = await ask(http, connection, questions.token)
  if ('unreachable' in token) return [unreachable(token.unreachable)]
  const ofToken = tokenChecks(token, new Date())
  if (isTokenDead(token)) return ofToken
  const [number, account, apps, proof] = await Promise.all(
    [questions.number, questions.account, questions.apps, questions.proof].map((question) =>
      ask(http, connection, question),
    ),
  )
  if (!number || !account || !apps || !proof) return ofToken
  return [
    ...ofToken,
    ...numberChecks(number, connection),
    ...accountChecks(account, connection),
    ...subscriptionChecks(apps, token),
    ...appSecretChecks(proof, connection),
  ]
}

/** The token that is asked about can only be given in the URL, which is written into no log. */
function questionsOf(graph: GraphSettings, connection: ProviderConnection) {
  const { accessToken = '', appSecret = '' } = connection.credentials
  const get = (path: string) => ({ method: 'GET', path }) as const
  const inspected = new URLSearchParams({ input_token: accessToken })
  // https://developers.facebook.com/docs/graph-api/guides/secure-requests
  const proof = createHmac('sha256', appSecret).update(accessToken).digest('hex')
  return {
    token: graphCall(graph, connection, 'debug_token', get(`?${inspected}`)),
    number: phoneNumberCall(graph, connection, get(`?fields=${numberFields}`)),
    account: accountCall(graph, connection, get(numbersPath)),
    apps: accountCall(graph, connection, get('/subscribed_apps')),
    proof: phoneNumberCall(graph, connection, get(`?fields=id&appsecret_proof=${proof}`)),
  }
}

/** The number as E.164; Meta writes it formatted, e.g. `+49 30 555001`. */
export async function businessPhoneOf(
  http: HttpClient,
  graph: GraphSettings,
  connection: ProviderConnection,
): Promise<string | undefined> {
  const call = { method: 'GET', path: '?fields=display_phone_number' } as const
  const result = await http(phoneNumberCall(graph, connection, call))
  const shown = result.kind === 'answer' ? textOf(parseJson(result.body), 'display_phone_number') : undefined
  return shown && addressOf(shown).phone
}
