/** Events at a steady pace, and how long it took from each of them to the request that the provider took. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { ConfirmChannel } from 'amqplib'
import type { AcceptedMessage } from '../../src/providers/simulator/ledger.ts'
import { publishOne } from './broker.ts'
import { aCustomer, type Customer, eventFor } from './stories.ts'
import type { Surroundings } from './surroundings.ts'

export interface Order {
  readonly accountId: number
  readonly count: number
  /** Without: as fast as the broker takes them. */
  readonly perSecond?: number
  /** Who is told, in turn; without, everybody is told once. */
  readonly customers?: readonly Customer[]
}

export interface Load {
  /** Publishes so many events; resolves with who is told, once the broker has confirmed all. */
  publish(order: Order): Promise<Customer[]>
  /** Milliseconds from the first event to the first message taken, for each of those who got one. */
  delaysMs(customers: readonly Customer[]): number[]
  close(): void
}

/** As many as the broker may be behind with its confirms. */
const unconfirmed = 500
const tickMs = 5

export function openLoad({ broker, provider }: Surroundings): Load {
  const publishedMs = new Map<string, number>()
  const takenMs = new Map<string, number>()
  const close = provider.subscribe(({ type, data }) => {
    if (type !== 'accepted') return
    const { to } = data as AcceptedMessage
    if (!takenMs.has(to)) takenMs.set(to, performance.now())
  })

  const publishAll = async (channel: ConfirmChannel, { accountId, count, perSecond, customers }: Order) => {
    const told = Array.from({ length: count }, (_, n) => customers?.[n % customers.length] ?? aCustomer())
    const startedMs = performance.now()
    const due = () => (perSecond ? ((performance.now() - startedMs) / 1_000) * perSecond : count)
    for (let next = 0; next < count; ) {
      const end = Math.min(count, due(), next + unconfirmed)
      for (; next < end; next++) publishTo(channel, told[next], accountId)
      if (perSecond) await sleep(tickMs)
      else await channel.waitForConfirms()
    }
    await channel.waitForConfirms()
    return [...new Set(told)]
  }
  const publishTo = (channel: ConfirmChannel, customer: Customer | undefined, account_id: number) => {
    if (!customer) return
    const event = eventFor(customer, { account_id })
    if (!publishedMs.has(customer.waId)) publishedMs.set(customer.waId, performance.now())
    publishOne(channel, event)
  }

  return {
    publish: (order) => broker.use((channel) => publishAll(channel, order)),
    delaysMs: (customers) =>
      customers.flatMap(({ waId }) => {
        const [from, to] = [publishedMs.get(waId), takenMs.get(waId)]
        return from === undefined || to === undefined ? [] : [to - from]
      }),
    close,
  }
}
