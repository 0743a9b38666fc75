/** An account whose messages go through 360dialog. */

import { expect } from 'chai'
import { request } from 'undici'
import { anAccount, builtInTemplates } from './stories.ts'
import type { World } from './world.ts'

export interface Dialog360Account {
  readonly accountId: number
  readonly connectionId: string
  readonly credentials: Readonly<Record<string, string>>
  readonly callbackUrl: string
  /** Path of its webhook. */
  readonly path: string
}

export interface Dialog360Options {
  /** Of the webhook; undefined = 360dialog is asked to send none. */
  readonly webhookUser?: { readonly webhookUser: string; readonly webhookPassword: string }
  readonly connection?: object
}

export const aWebhookUser = { webhookUser: 'gateway', webhookPassword: 'webhook-password-0001' }

let nextChannel = 1

/** An account with a connection of its own, whose callback URL was set at 360dialog as its page says. */
export async function aDialog360Account(
  world: World,
  { webhookUser, connection = {} }: Dialog360Options = {},
): Promise<Dialog360Account> {
  const suffix = String(nextChannel++).padStart(4, '0')
  const ids = { phoneNumberId: `83000000000${suffix}`, wabaId: `93000000000${suffix}` }
  const apiKey = `dialog360key${suffix}_AK`
  const businessPhone = `+91115000${suffix}`
  world.provider.dialog360.add({
    ...ids,
    apiKey,
    displayPhoneNumber: businessPhone,
    templates: await builtInTemplates(world),
  })
  const accountId = await anAccount(world)
  const credentials = { ...ids, apiKey, ...webhookUser }
  const created = await world.call<{ id: string; webhook: { callbackUrl: string } }>('POST', '/v1/connections', {
    accountId,
    provider: '360dialog',
    name: 'Own 360dialog',
    businessPhone,
    credentials,
    ...connection,
  })
  expect(created.status, JSON.stringify(created.body)).to.equal(201)
  const { id, webhook } = created.body
  await setWebhook(world, apiKey, { url: webhook.callbackUrl, headers: headersFor(webhookUser) })
  const own = { isWhatsappEnabled: true, whatsappSenderConnectionId: id }
  expect((await world.call('PUT', `/v1/accounts/${accountId}/settings`, own)).status).to.equal(200)
  const { callbackUrl } = webhook
  return { accountId, connectionId: id, credentials, callbackUrl, path: new URL(callbackUrl).pathname }
}

/** What 360dialog is told to send along. */
export const headersFor = (webhookUser: Dialog360Options['webhookUser']): Record<string, string> =>
  webhookUser
    ? {
        Authorization: `Basic ${Buffer.from(`${webhookUser.webhookUser}:${webhookUser.webhookPassword}`).toString('base64')}`,
      }
    : {}

/** Sets the callback URL of a number. */
export async function setWebhook(world: World, apiKey: string, body: object): Promise<void> {
  const answer = await request(`${world.provider.url}/dialog360/v1/configs/webhook`, {
    method: 'POST',
    headers: { 'd360-api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(answer.statusCode, await answer.body.text()).to.equal(200)
}
