/**
 * Signed delivery reports over 64 keep-alive connections: how fast they are taken, how fast they are applied, and how
 * soon each is answered at a steady rate.
 */

import { makeWebhooks, type WebhookBody } from '../load/bodies.ts'
import { type Post, postAll, postPaced } from '../load/posts.ts'
import { measure, perMessage } from '../measure.ts'
import { pacedWebhooks } from '../options.ts'
import type { Stage } from '../stage.ts'
import { quantile } from '../statistics.ts'
import type { RunningVariant } from '../variants/variant.ts'
import { warmUpOf } from './outbound.ts'
import type { Figures, PhaseContext } from './phase.ts'

const connections = 64

export async function webhooks(context: PhaseContext): Promise<Figures> {
  const { stage, running, messages } = context
  const { sizes } = stage.options
  const { ports } = running.webhooks
  const send = (bodies: readonly WebhookBody[]) =>
    apply(stage, bodies.length, () => postAll(ports, postsOf(running, bodies), connections))
  await send(makeWebhooks(messages.splice(0, warmUpOf(stage)), 'sent'))
  const reported = messages.splice(0, sizes.messages)
  const bodies = makeWebhooks(reported, 'sent')
  const [taken, cost] = await measure(stage, running.pids, () => send(bodies))
  const delivered = makeWebhooks(reported.slice(0, pacedWebhooks * sizes.pacedSeconds), 'delivered')
  const paced = await apply(stage, delivered.length, () =>
    postPaced(ports, postsOf(running, delivered), connections, pacedWebhooks),
  )
  return {
    requestsPerSecond: bodies.length / taken.seconds,
    p50Ms: quantile(taken.latenciesMs, 0.5),
    p99Ms: quantile(taken.latenciesMs, 0.99),
    appliedPerSecond: bodies.length / cost.seconds,
    ...perMessage(cost, bodies.length),
    pacedP50Ms: quantile(paced.latenciesMs, 0.5),
    pacedP99Ms: quantile(paced.latenciesMs, 0.99),
  }
}

/** Resolves when the last is applied, with how long it took until all were answered. */
async function apply({ broker }: Stage, count: number, post: () => Promise<number[]>) {
  broker.restart()
  const startedAt = performance.now()
  const latenciesMs = await post()
  const seconds = (performance.now() - startedAt) / 1000
  await broker.waitFor(count)
  return { seconds, latenciesMs }
}

/** Each goes to the webhook of the connection that it is about. */
export const postsOf = ({ webhooks: { pathOf } }: RunningVariant, bodies: readonly WebhookBody[]): Post[] =>
  bodies.map(({ phoneNumberId, bytes, signature }) => ({
    path: pathOf(phoneNumberId),
    bytes,
    headers: { 'x-hub-signature-256': signature },
  }))
