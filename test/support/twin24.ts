/** An account whose messages go through TWIN, and what its customers answer there. */

import { expect } from 'chai'
import type { TwinAnswer, TwinRule } from '../../src/providers/simulator/twin24/inputs.ts'
import type { TwinMessage } from '../../src/providers/simulator/twin24/state.ts'
import { aCustomer, anAccount, type Customer, deliver, eventFor, type NotifiedReason, settle } from './stories.ts'
import { until, type World } from './world.ts'

export const chatId = 'f0a1b2c3-0000-4000-8000-0000000000c1'
export const botId = 'f0a1b2c3-0000-4000-8000-0000000000b1'

export interface TwinAccount {
  readonly accountId: number
  readonly connectionId: string
  /** Path of its webhook. */
  readonly path: string
}

let nextUser = 1

/** An account with a connection of its own at TWIN, where one template is mapped. */
export async function aTwinAccount(
  world: World,
  { connection = {}, company = {} }: { connection?: object; company?: object } = {},
): Promise<TwinAccount> {
  const credentials = { email: `gateway${nextUser++}@example.com`, password: 'twin-password-0001' }
  world.provider.twin24.addCompany({ ...credentials, chats: { [chatId]: [botId] }, ...company })
  const accountId = await anAccount(world)
  const created = await world.call<{ id: string; webhook: { callbackUrl: string } }>('POST', '/v1/connections', {
    accountId,
    provider: 'twin24',
    name: 'Own TWIN',
    businessPhone: '+911140007777',
    credentials,
    templates: { 'fdr_customer_unavailable.en': { chatId, botId } },
    ...connection,
  })
  expect(created.status, JSON.stringify(created.body)).to.equal(201)
  const { id, webhook } = created.body
  const own = { isWhatsappEnabled: true, whatsappSenderConnectionId: id }
  expect((await world.call('PUT', `/v1/accounts/${accountId}/settings`, own)).status).to.equal(200)
  return { accountId, connectionId: id, path: new URL(webhook.callbackUrl).pathname }
}

export interface TwinFirstMessage {
  readonly customer: Customer
  readonly id: string
  /** What TWIN took, oldest first. */
  readonly sent: readonly TwinMessage[]
}

/** Tells a new customer of a failed delivery through TWIN, and waits until all is quiet. */
export async function aTwinMessage(
  world: World,
  { accountId }: TwinAccount,
  { rule, reason = 'customer_unavailable' }: { rule?: TwinRule; reason?: NotifiedReason } = {},
): Promise<TwinFirstMessage> {
  const customer = aCustomer()
  if (rule) world.provider.twin24.addRule({ ...rule, phone: customer.phone })
  const { message } = await deliver(world, eventFor(customer, { account_id: accountId, reason }))
  await settle(world)
  return { customer, id: message?.id ?? '', sent: sentBy(world, customer) }
}

export const sentBy = (world: World, { waId }: Customer): TwinMessage[] =>
  world.provider.twin24.accepted().filter(({ phone }) => phone === waId)

/** The customer answers in TWIN's dialogue; resolves when all that follows is done. */
export async function answerAtTwin(
  world: World,
  { sent }: TwinFirstMessage,
  answer: Omit<TwinAnswer, 'messageId'>,
): Promise<void> {
  const record = await world.provider.twin24.answer({ messageId: sent.at(-1)?.id ?? '', ...answer })
  if (answer.call) expect(record?.status).to.equal(200)
  await settle(world)
}

/** Waits for a status of a message. */
export const untilStatus = (world: World, id: string, status: string) =>
  until(`message ${id} is ${status}`, async () => {
    const { body } = await world.call('GET', `/v1/messages/${id}`)
    return body.status === status
  })
