/** The Graph API: who asks, which object, which edge. */

import { createHmac } from 'node:crypto'
import { type Call, json, type Outcome, refused } from './answers.ts'
import { problem, unknownObject } from './graph-errors.ts'
import type { Account } from './inputs.ts'
import { phoneNumber } from './phone-number.ts'
import type { SendMessage } from './send-message.ts'
import { fieldsOf, isFilled, parseJson } from './shapes.ts'
import type { State } from './state.ts'
import type { createTemplateApi } from './template-api.ts'
import { missingScope, tokenInfo, whyRefused } from './token.ts'
import { verifyWebhook } from './verify-webhook.ts'

type Result = Outcome | Promise<Outcome>

interface Deps {
  readonly state: State
  readonly sendMessage: SendMessage
  readonly templateApi: ReturnType<typeof createTemplateApi>
}

const pathPattern = /^\/(?:v\d+\.\d+\/)?([^/]+)(?:\/([^/]+))?\/?$/

export function createGraphApi({ state, sendMessage, templateApi }: Deps): (call: Call) => Result {
  const phoneEdges: Readonly<Record<string, (call: Call, account: Account) => Result>> = {
    'POST messages': sendMessage,
    'GET ': readPhoneNumber,
    'POST register': () => json(200, { success: true }),
  }

  const wabaEdges: Readonly<Record<string, (call: Call, wabaId: string) => Result>> = {
    'GET ': (_call, wabaId) =>
      json(200, { id: wabaId, name: 'Simulated Business', currency: 'INR', timezone_id: '71' }),
    'GET message_templates': templateApi.list,
    'POST message_templates': templateApi.create,
    'DELETE message_templates': templateApi.remove,
    'GET phone_numbers': ({ query }, wabaId) =>
      json(200, {
        data: state.accountsOf(wabaId).flatMap((account) => {
          const found = phoneNumber(account, query.get('fields'))
          return 'value' in found ? [found.value] : []
        }),
      }),
    'GET subscribed_apps': (_call, wabaId) => json(200, { data: subscriptions(wabaId) }),
    'POST subscribed_apps': subscribe,
    'DELETE subscribed_apps': (_call, wabaId) => {
      state.subscribe(wabaId, false)
      return json(200, { success: true })
    },
  }

  const subscriptions = (wabaId: string): object[] => {
    const app = state.accountsOf(wabaId)[0]
    if (!app || !state.isSubscribed(wabaId)) return []
    return [{ whatsapp_business_api_data: { id: app.appId, name: 'Simulated App', link: 'https://example.com/app' } }]
  }

  /** With an override the callback URL must pass the handshake, else nothing changes. */
  async function subscribe({ body }: Call, wabaId: string): Promise<Outcome> {
    const { override_callback_uri: url, verify_token } = fieldsOf(parseJson(body))
    if (isFilled(url)) {
      const { ok, detail } = await verifyWebhook(url, isFilled(verify_token) ? verify_token : '')
      if (!ok) return refused({ code: 100, subcode: 2200, details: `Callback verification failed: ${detail}` })
      for (const account of state.accountsOf(wabaId)) account.webhookUrl = url
    }
    state.subscribe(wabaId, true)
    return json(200, { success: true })
  }

  const debugToken = ({ query }: Call): Outcome =>
    json(200, { data: tokenInfo(state.accounts().find(({ accessToken }) => accessToken === query.get('input_token'))) })

  const isAppToken = (token: string): boolean =>
    state.accounts().some(({ appId, appSecret }) => token === `${appId}|${appSecret}`)

  const route = (call: Call, token: string): Result => {
    const [, id = '', edge = ''] = pathPattern.exec(call.path) ?? []
    const key = `${call.method} ${edge}`
    if (key === 'GET ' && id === 'debug_token') return debugToken(call)
    const account = state.account(id)
    if (account?.accessToken === token)
      return missingScope(account, key) ?? (phoneEdges[key] ?? noSuchEdge)(call, account)
    const owner = state.accountsOf(id).find(({ accessToken }) => accessToken === token)
    if (owner) return missingScope(owner, key) ?? (wabaEdges[key] ?? noSuchEdge)(call, id)
    return refused(unknownObject(call.method, id))
  }

  return (call) => {
    const token = tokenOf(call)
    if (!token) return refused({ code: 104, message: 'An access token is required to request this resource.' })
    if (!state.isToken(token) && !(isAppToken(token) && call.path.endsWith('/debug_token'))) return refused(badToken)
    const ended = whyRefused(state.accounts().find(({ accessToken }) => accessToken === token))
    if (ended) return refused(ended)
    return hasWrongProof(call, token, state)
      ? refused(problem(100, 'Invalid appsecret_proof provided in the API argument'))
      : route(call, token)
  }
}

const badToken = { code: 190, message: 'Invalid OAuth access token - Cannot parse access token' }

const noSuchEdge = ({ method, path }: Call): Outcome => refused(unknownObject(method, path))

const tokenOf = ({ headers, query }: Call): string => {
  const { authorization = '' } = headers
  return authorization.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : (query.get('access_token') ?? '')
}

function hasWrongProof({ query }: Call, token: string, state: State): boolean {
  const proof = query.get('appsecret_proof')
  if (proof === null) return false
  const secrets = state.accounts().filter(({ accessToken }) => accessToken === token)
  return !secrets.some(({ appSecret }) => createHmac('sha256', appSecret).update(token).digest('hex') === proof)
}

function readPhoneNumber({ query }: Call, account: Account): Outcome {
  const found = phoneNumber(account, query.get('fields'))
  if ('value' in found) return json(200, found.value)
  return refused({
    code: 100,
    message: `(#100) Tried accessing nonexisting field (${found.unknownField}) on node type (WhatsAppBusinessPhoneNumber)`,
  })
}
