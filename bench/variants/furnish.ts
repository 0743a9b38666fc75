/** Enters what a run needs through the gateway's API, as an operator would. */

import { request } from 'undici'
import { type Sender, senderOf } from '../provider/senders.ts'

export interface Api {
  readonly port: number
  readonly adminKey: string
}

export interface Furnished {
  readonly connectionId: string
  /** Of the connection's webhook. */
  readonly path: string
}

/** Requests under way at once: thousands of connections should not take minutes. */
const side = 8

/** Enters one connection for each sender, switched on for its account; resolves with them, in their order. */
export async function furnish(api: Api, senders: number, concurrency: number): Promise<readonly Furnished[]> {
  const entered: Furnished[] = []
  let next = 0
  const line = async () => {
    for (let index = next++; index < senders; index = next++)
      entered[index] = await enter(api, senderOf(index), concurrency)
  }
  await Promise.all(Array.from({ length: side }, line))
  return entered
}

/** Fast enough never to be what limits a run. */
const messagesPerSecond = 10_000

async function enter(api: Api, sender: Sender, concurrency: number): Promise<Furnished> {
  const { accountId, accountSlug, businessPhone, credentials } = sender
  const { id, webhook } = await call<{ id: string; webhook: { callbackUrl: string } }>(
    api,
    'POST',
    '/v1/connections?verify=false',
    {
      accountId,
      provider: 'meta',
      name: 'Bench',
      businessPhone,
      credentials,
      limits: { messagesPerSecond, concurrency },
    },
  )
  await call(api, 'PUT', `/v1/accounts/${accountId}/settings`, {
    accountSlug,
    isWhatsappEnabled: true,
    whatsappSenderConnectionId: id,
  })
  return { connectionId: id, path: new URL(webhook.callbackUrl).pathname }
}

/** @throws {Error} with the answer, unless it says that all is well */
export async function call<T>(
  { port, adminKey }: Api,
  method: 'POST' | 'PUT' | 'PATCH',
  path: string,
  body: object,
): Promise<T> {
  const answer = await request(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.body.text()
  if (answer.statusCode >= 300) throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${text}`)
  return JSON.parse(text) as T
}
