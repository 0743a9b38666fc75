/** The provider: takes messages in all the ways that leave the caller guessing, and knows what it took. */

import type { InboundEvent } from '../../../src/core/contract/events.ts'
import type { FailureCode } from '../../../src/core/contract/failures.ts'
import type {
  OutgoingMessage,
  ProviderAdapter,
  ProviderConnection,
  SendOutcome,
} from '../../../src/core/contract/provider.ts'
import type { Chaos } from '../chaos.ts'
import type { Random } from '../random.ts'
import { type Scheduler, world } from '../scheduler.ts'
import type { Manners, Weather } from '../weather.ts'
import type { Connections } from './connections.ts'
import { createReporter, type Webhook } from './reports.ts'

/** One message that the provider took; the truth that everything is judged by. */
export interface Accepted {
  readonly event: string
  readonly reference: string
  readonly messageId: string
  readonly connectionId: number
  readonly reports: readonly string[]
  /** When the request came, which may be long before it was accepted. */
  readonly askedAt: Date
}

export interface Provider {
  readonly adapter: ProviderAdapter
  readonly accepted: readonly Accepted[]
  /** Calls that were refused for their token. */
  refusedForToken(): number
  /** Webhooks that were not answered with 200 yet. */
  pending(): number
}

export interface ProviderDeps {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly chaos: Chaos
  readonly weather: Weather
  readonly isTaken: Connections['isTaken']
  /** Hands a webhook to the gateway; `answer` is told whether it was a 200, or nothing at all. */
  readonly deliver: (events: readonly InboundEvent[], answer: (isOk: boolean) => void) => void
}

/** A caller waits so long. */
const deadlineMs = 30_000
const calmManners: Manners = {
  accepts: 1,
  refuses: 0,
  throttles: 0,
  unreachable: 0,
  faultBefore: 0,
  faultAfter: 0,
  dropsAnswer: 0,
  tooSlow: 0,
}

const refused = (code: FailureCode, retryAfterMs?: number): SendOutcome => ({
  outcome: 'refused',
  failure: { code, ...(retryAfterMs ? { retryAfterMs } : {}) },
})
const noAnswer: SendOutcome = { outcome: 'in_doubt', failure: { code: 'no_answer' } }
const fault = (random: Random): SendOutcome => ({
  outcome: 'in_doubt',
  failure: { code: 'provider_error', ...(random.chance(0.5) ? { vendorCode: '131000' } : {}) },
})

/** What the protocol of sending does not use. */
const neverAsked: Omit<ProviderAdapter, 'send'> = {
  check: async () => [],
  businessPhone: async () => undefined,
  verify: () => true,
  parse: () => [],
}

export function createProvider(deps: ProviderDeps): Provider {
  const { random, scheduler, chaos, weather } = deps
  const accepted: Accepted[] = []
  let refusedForToken = 0
  const reporter = createReporter(deps)

  const accept = (message: OutgoingMessage, connectionId: number, askedAt = scheduler.now()): SendOutcome => {
    const messageId = `wamid.${accepted.length + 1}`
    const event = message.content.type === 'template' ? (message.content.values.event ?? '') : ''
    const webhooks: Webhook[] = reporter.plan({ messageId, reference: message.reference, connectionId })
    const reports = webhooks.map(({ status }) => status)
    accepted.push({ event, reference: message.reference, messageId, connectionId, reports, askedAt })
    scheduler.note(`accepted ${event} as ${messageId} (${message.reference}): ${reports}`)
    for (const webhook of webhooks) reporter.send(webhook)
    return { outcome: 'accepted', messageId }
  }

  /** What happens when a request is there: what the caller gets to know, and after how long. */
  const serve = (message: OutgoingMessage, { id, credentials }: ProviderConnection): [SendOutcome, delayMs: number] => {
    const connectionId = Number(id)
    const soon = random.between(20, 1_500)
    if (!deps.isTaken(credentials)) {
      refusedForToken++
      return [refused('credentials_invalid'), soon]
    }
    switch (random.weighted(chaos.isCalm() ? calmManners : weather.manners)) {
      case 'accepts':
        return [accept(message, connectionId), soon]
      case 'refuses':
        return [refused(random.pick(['recipient_unreachable', 'template_missing', 'content_refused'])), soon]
      case 'throttles':
        return [refused(random.pick(['connection_throttled', 'recipient_throttled', 'provider_busy']), 2_000), soon]
      case 'unreachable':
        return [refused('connection_unreachable'), soon]
      case 'faultBefore':
        return [fault(random), soon]
      case 'faultAfter':
        accept(message, connectionId)
        return [fault(random), soon]
      case 'dropsAnswer':
        accept(message, connectionId)
        return [noAnswer, deadlineMs]
      case 'tooSlow': {
        const askedAt = scheduler.now()
        scheduler.after(
          deadlineMs + random.between(1, 20_000),
          'accepted late',
          () => accept(message, connectionId, askedAt),
          world,
        )
        return [noAnswer, deadlineMs]
      }
    }
  }

  const send: ProviderAdapter['send'] = (message, connection) =>
    new Promise((resolve) => {
      const caller = scheduler.current()
      const arrive = () => {
        const [outcome, delayMs] = serve(message, connection)
        scheduler.after(delayMs, `answer ${outcome.outcome}`, () => resolve(outcome), caller)
        chaos.edge(caller, 'after the call')
      }
      // On the wire: it arrives even if its sender dies.
      scheduler.after(chaos.networkMs(), 'request', arrive, world)
    })

  return {
    adapter: { send, ...neverAsked },
    accepted,
    refusedForToken: () => refusedForToken,
    pending: reporter.pending,
  }
}
