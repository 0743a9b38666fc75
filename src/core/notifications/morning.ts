/** Until when a message to somebody waits, because the hours are quiet where they live. */

import type { AccountSettings } from '../accounts/settings.ts'
import type { ClaimedMessage } from '../sending/outgoing-message.ts'
import { opensAt } from './quiet-hours.ts'
import type { ZonesOf } from './time-zones.ts'

export interface MorningDeps {
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  /** Where an account set no time zone. */
  readonly zonesOf: ZonesOf
  /** Ids of the kinds whose messages wait. */
  readonly waiting: ReadonlySet<string>
  readonly now: () => Date
}

export interface Morning {
  /** When a message of this kind to this number (E.164) may leave; undefined = now. */
  of(kind: string, settings: AccountSettings, phone: string): Date | undefined
  /** The same of one that is about to be sent, by the settings as they are by now. */
  ofMessage(message: ClaimedMessage): Promise<Date | undefined>
}

export function createMorning({ settings: settingsOf, zonesOf, waiting, now }: MorningDeps): Morning {
  const of: Morning['of'] = (kind, { quietHours, chosenTimezone, timezone }, phone) => {
    if (!quietHours || !waiting.has(kind)) return undefined
    const zones = chosenTimezone ? [chosenTimezone] : (zonesOf(phone) ?? [timezone])
    const at = now()
    const opening = opensAt(at, quietHours, zones)
    return opening > at ? opening : undefined
  }
  return {
    of,
    async ofMessage({ kind, isAnswer, accountId, channelId, customerPhone }) {
      if (isAnswer || !waiting.has(kind)) return undefined
      return of(kind, await settingsOf(accountId, channelId), customerPhone ?? '')
    },
  }
}

/** Of a message that is not sent because it would only leave when it is of no use any more. */
export const uselessFailure = (morning: Date, expiresAt: Date) => ({
  code: 'useless_after_quiet_hours',
  reason: `it is quiet at the recipient's until ${morning.toISOString()}, and it is of no use after ${expiresAt.toISOString()}`,
})
