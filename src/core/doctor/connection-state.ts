import type { Connection } from '../accounts/connections.ts'
import { blockReasons } from '../contract/events.ts'
import { type FailureCode, failureKinds } from '../contract/failures.ts'
import type { ConnectionCheck } from '../contract/provider.ts'
import { unwell, well } from './finding.ts'

/** Does it send at all, and if not, who ends that? */
export function stateFinding({ state, stateReason = 'no reason given' }: Connection): ConnectionCheck {
  if (state === 'active') return well('state', 'The connection is active.')
  const fix = 'Mend what is named below, then set the state to active; the messages that wait are sent then.'
  if (Object.hasOwn(failureKinds, stateReason)) {
    const { text } = failureKinds[stateReason as FailureCode]
    return unwell('state', `The connection is paused since a message was refused. ${text}`, fix)
  }
  if ((blockReasons as readonly string[]).includes(stateReason))
    return unwell(
      'state',
      `The connection is paused: the provider blocked its account (${stateReason.replaceAll('_', ' ')}).`,
      'Settle it with the provider; the pause ends by itself with the news of that.',
    )
  return unwell('state', `The connection is ${state}: ${stateReason}.`, fix)
}
