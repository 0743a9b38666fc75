/** Webhooks of the provider: late, early, twice, out of order, and again until somebody answers 200. */

import type { InboundEvent, ReportStatus } from '../../../src/core/contract/events.ts'
import { world } from '../scheduler.ts'
import { within } from '../weather.ts'
import type { ProviderDeps } from './provider.ts'

export interface Webhook {
  readonly status: ReportStatus
  readonly event: InboundEvent
  readonly delayMs: number
}

/** What is reported of a message, in the order in which it happens. Failed and delivered may both come. */
const fates: readonly [readonly ReportStatus[], ...(readonly ReportStatus[])[]] = [
  ['sent', 'delivered', 'read'],
  ['sent', 'delivered'],
  ['sent', 'read'],
  ['sent'],
  ['sent', 'failed'],
  ['failed'],
  ['sent', 'failed', 'delivered'],
  ['sent', 'delivered', 'failed'],
]

const redeliverMs = [2_000, 10_000, 30_000, 120_000]
/** The provider gives up waiting for an answer. */
const patienceMs = 10_000

export const senderOf = (connectionId: number): string => `sender-${connectionId}`

export interface AcceptedMessage {
  readonly messageId: string
  readonly reference: string
  readonly connectionId: number
}

export function createReporter({ random, scheduler, chaos, weather, deliver }: Omit<ProviderDeps, 'isTaken'>) {
  const outage = { fromMs: random.between(0, weather.spanMs), lengthMs: weather.webhookOutageMs }
  let pending = 0

  const isOut = () => scheduler.nowMs() >= outage.fromMs && scheduler.nowMs() < outage.fromMs + outage.lengthMs

  const post = ({ event, status }: Webhook, tries = 0) => {
    let isAnswered = false
    const again = (isOk: boolean) => {
      if (isAnswered) return
      isAnswered = true
      patience.cancel()
      if (isOk) pending--
      else
        scheduler.after(
          redeliverMs[Math.min(tries, 3)] ?? 0,
          `${status} again`,
          () => post({ event, status, delayMs: 0 }, tries + 1),
          world,
        )
    }
    const patience = scheduler.after(patienceMs, 'webhook unanswered', () => again(false), world)
    if (isOut()) again(false)
    else deliver([event], again)
  }

  const send = (webhook: Webhook) => {
    const times = !chaos.isCalm() && random.chance(weather.reportTwice) ? 2 : 1
    for (let time = 0; time < times; time++) {
      pending++
      const extraMs = time === 0 ? 0 : random.between(0, 5_000)
      scheduler.after(webhook.delayMs + extraMs, `webhook ${webhook.status}`, () => post(webhook), world)
    }
  }

  /** Later events happen later; whether they also arrive later is another matter. */
  const plan = (message: AcceptedMessage): Webhook[] => {
    const delays = () => within(random, chaos.isCalm() ? { fromMs: 50, toMs: 3_000 } : weather.reportDelay)
    let atMs = scheduler.now().getTime()
    let delayMs = 0
    return random.pick(fates).map((status, index) => {
      atMs += random.between(1, 2_000)
      delayMs = weather.reportsReordered ? delays() : delayMs + delays()
      const isEchoed = message.reference !== '' && (index === 0 || weather.echoesOnly === 'all')
      return { status, delayMs, event: reportEvent(message, status, new Date(atMs), isEchoed) }
    })
  }
  return { plan, send, pending: () => pending }
}

const reportEvent = (message: AcceptedMessage, status: ReportStatus, at: Date, isEchoed: boolean): InboundEvent => ({
  senderId: senderOf(message.connectionId),
  part: {
    type: 'report',
    messageId: message.messageId,
    ...(isEchoed ? { reference: message.reference } : {}),
    status,
    vendorStatus: status,
    at,
    recipient: { phone: '+910000000000' },
    ...(status === 'failed' ? { failure: { code: 'recipient_unreachable' as const } } : {}),
    raw: null,
  },
})
