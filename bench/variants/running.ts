import { senderOf } from '../provider/senders.ts'
import type { Furnished } from './furnish.ts'
import type { GatewayProcess } from './processes.ts'
import type { RunningVariant } from './variant.ts'

/** Processes of the gateway as what is measured, with the connections that were entered, in the order of their senders. */
export function runningOf(started: readonly GatewayProcess[], furnished: readonly Furnished[]): RunningVariant {
  const paths = new Map(furnished.map(({ path }, index) => [senderOf(index).credentials.phoneNumberId, path]))
  return {
    pids: started.map(({ pid }) => pid),
    readyMs: Math.max(...started.map(({ readyMs }) => readyMs)),
    webhooks: {
      ports: started.map(({ port }) => port),
      pathOf: (phoneNumberId) => paths.get(phoneNumberId) ?? '',
    },
    async stop() {
      await Promise.all(started.map(({ stop }) => stop()))
    },
  }
}
