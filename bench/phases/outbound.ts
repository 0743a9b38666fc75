/** Events in, until the provider has taken every message and every activity event is published. */

import { makeEvents } from '../load/bodies.ts'
import { measure, perMessage } from '../measure.ts'
import type { Figures, PhaseContext } from './phase.ts'

export async function outbound({ stage, running, messages }: PhaseContext): Promise<Figures> {
  const { sizes } = stage.options
  await pass(stage, warmUpOf(stage))
  messages.push(...(await stage.provider.taken()))
  const events = makeEvents(sizes.messages, stage.options.connections)
  const [, cost] = await measure(stage, running.pids, () => passEvents(stage, events))
  const taken = await stage.provider.taken()
  const recipients = new Set(taken.map(({ to }) => to))
  if (taken.length !== events.length || recipients.size !== events.length)
    throw new Error(`the provider took ${taken.length} of ${events.length} messages, to ${recipients.size} recipients`)
  messages.push(...taken)
  return { messagesPerSecond: events.length / cost.seconds, ...perMessage(cost, events.length) }
}

/** Each connection sends something before it is measured: what is read and made for its first message is not. */
export const warmUpOf = ({ options }: PhaseContext['stage']): number =>
  Math.max(options.sizes.warmUp, options.connections)

/** Sends events without measuring them. */
export const pass = (stage: PhaseContext['stage'], count: number) =>
  passEvents(stage, makeEvents(count, stage.options.connections))

async function passEvents({ broker }: PhaseContext['stage'], events: ReturnType<typeof makeEvents>): Promise<void> {
  broker.restart()
  await Promise.all([broker.publish(events), broker.waitFor(events.length)])
}
