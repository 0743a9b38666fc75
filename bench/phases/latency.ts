/** A steady, low rate: how long from handing an event to the broker until the provider has its message. */

import { makeEvents } from '../load/bodies.ts'
import { measure, perMessage } from '../measure.ts'
import { pacedRate } from '../options.ts'
import { quantile } from '../statistics.ts'
import { pass, warmUpOf } from './outbound.ts'
import type { Figures, PhaseContext } from './phase.ts'

export async function latency({ stage, running, messages }: PhaseContext): Promise<Figures> {
  const { sizes } = stage.options
  await pass(stage, warmUpOf(stage))
  messages.push(...(await stage.provider.taken()))
  const events = makeEvents(pacedRate * sizes.pacedSeconds, stage.options.connections)
  stage.broker.restart()
  const [publishedAt, cost] = await measure(stage, running.pids, async () => {
    const [times] = await Promise.all([
      stage.broker.publishPaced(events, pacedRate),
      stage.broker.waitFor(events.length),
    ])
    return times
  })
  const taken = await stage.provider.taken()
  messages.push(...taken)
  const latenciesMs = taken.map(({ to, atMs }) => atMs - (publishedAt.get(to) ?? Number.NaN))
  return {
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    ...perMessage(cost, events.length),
  }
}
