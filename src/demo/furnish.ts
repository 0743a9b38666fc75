/** The set-up of a new installation, step by step as a person would do it, through the real API. */

import type { AccountInput, TemplateInput } from '../providers/simulator/inputs.ts'
import { accountsProvider } from '../providers/simulator/simulator.ts'
import type { Scene } from './script.ts'
import type { Stage } from './stage.ts'

/** The number that the platform sends from, as Meta knows it. */
const number: AccountInput = {
  phoneNumberId: '810000000000001',
  wabaId: '910000000000001',
  displayPhoneNumber: '+91 11 4000 1234',
  accessToken: 'EAAdemotoken0001',
  appSecret: 'demo_app_secret_0001',
}

/** E.164. */
export const businessPhone = '+911140001234'
const platformAccountId = 5

interface Connection {
  readonly id: string
  readonly webhook: { readonly callbackUrl: string; readonly verifyToken: string }
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[]
}

/**
 * Makes everything ready for the scenes.
 * @param done told after each step
 * @throws {Error} when a step is refused
 */
export async function furnish(stage: Stage, scenes: readonly Scene[], done: (step: string, detail: string) => void) {
  const { api, simulator, folder } = stage
  done('simulator', `${simulator.url}, plays WhatsApp, courier side and customers`)
  done('gateway', `${api.url}, database and log in ${folder}`)

  simulator.addAccount(number)
  const connection = await enterConnection(stage)
  const passed = connection.checks.map(({ name }) => name).join(', ')
  done('connection', `${businessPhone}: ${passed} ok`)
  done('webhook', `callback URL and verify token pasted: ${await pasteWebhook(stage, connection)}`)
  done('templates', `${await registerTemplates(stage)} registered at Meta, English and Hindi`)
  for (const { account } of scenes) await switchOn(stage, account)
  const accounts = scenes.map(({ account }) => `${account.id} ${account.slug} (${account.language})`).join(' and ')
  done('settings', `WhatsApp on for account ${accounts}`)
}

async function enterConnection({ api }: Stage): Promise<Connection> {
  const { phoneNumberId, wabaId, accessToken, appSecret } = number
  const connection = await api.call<Connection>('POST', '/v1/connections', {
    accountId: platformAccountId,
    provider: accountsProvider,
    name: 'Platform',
    businessPhone,
    credentials: { phoneNumberId, wabaId, accessToken, appSecret },
  })
  const failed = connection.checks.find(({ ok }) => !ok)
  if (failed) throw new Error(`the connection's check failed: ${failed.name}: ${failed.detail}`)
  return connection
}

async function pasteWebhook({ simulator }: Stage, { webhook }: Connection): Promise<string> {
  simulator.addAccount({ ...number, webhookUrl: webhook.callbackUrl, verifyToken: webhook.verifyToken })
  const { ok, detail } = await simulator.verifyWebhook(number.phoneNumberId)
  if (!ok) throw new Error(`Meta could not verify the callback URL: ${detail}`)
  return detail
}

/** Resolves with how many there are. */
async function registerTemplates({ api, simulator }: Stage): Promise<number> {
  const { items } = await api.call<{ items: { registration: TemplateInput }[] }>('GET', '/v1/templates')
  for (const { registration } of items) {
    const answer = await fetch(`${simulator.url}/v24.0/${number.wabaId}/message_templates`, {
      method: 'POST',
      headers: { authorization: `Bearer ${number.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(registration),
    })
    if (!answer.ok) throw new Error(`Meta refused the template ${registration.name}: ${await answer.text()}`)
  }
  return items.length
}

const switchOn = ({ api }: Stage, { id, slug, language }: Scene['account']): Promise<object> =>
  api.call('PUT', `/v1/accounts/${id}/settings`, {
    accountSlug: slug,
    isWhatsappEnabled: true,
    languages: [language],
  })
