/** Signed delivery reports over 64 keep-alive connections: how fast they are taken, how fast they are applied. */

import { makeWebhooks, type WebhookBody } from '../load/bodies.ts'
import { type Post, postAll } from '../load/posts.ts'
import { measure, perMessage } from '../measure.ts'
import { quantile } from '../statistics.ts'
import type { RunningVariant } from '../variants/variant.ts'
import { warmUpOf } from './outbound.ts'
import type { Figures, PhaseContext } from './phase.ts'

const connections = 64

export async function webhooks(context: PhaseContext): Promise<Figures> {
  const { stage, running, messages } = context
  const { sizes } = stage.options
  await send(context, makeWebhooks(messages.splice(0, warmUpOf(stage)), 'sent'))
  const bodies = makeWebhooks(messages.splice(0, sizes.messages), 'sent')
  const [taken, cost] = await measure(stage, running.pids, () => send(context, bodies))
  return {
    requestsPerSecond: bodies.length / taken.seconds,
    p50Ms: quantile(taken.latenciesMs, 0.5),
    p99Ms: quantile(taken.latenciesMs, 0.99),
    appliedPerSecond: bodies.length / cost.seconds,
    ...perMessage(cost, bodies.length),
  }
}

/** Resolves when the last is applied, with how long it took until all were answered. */
async function send({ stage, running }: PhaseContext, bodies: readonly WebhookBody[]) {
  stage.broker.restart()
  const startedAt = performance.now()
  const latenciesMs = await postAll(running.webhooks.ports, postsOf(running, bodies), connections)
  const seconds = (performance.now() - startedAt) / 1000
  await stage.broker.waitFor(bodies.length)
  return { seconds, latenciesMs }
}

/** Each goes to the webhook of the connection that it is about. */
export const postsOf = ({ webhooks: { pathOf } }: RunningVariant, bodies: readonly WebhookBody[]): Post[] =>
  bodies.map(({ phoneNumberId, bytes, signature }) => ({
    path: pathOf(phoneNumberId),
    bytes,
    headers: { 'x-hub-signature-256': signature },
  }))
