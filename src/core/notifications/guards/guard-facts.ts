/** What an account allows itself of a day, and what one message uses up of it: pure. */

import { createHash } from 'node:crypto'
import { DateTime } from 'luxon'
import type { AccountSettings } from '../../accounts/settings.ts'
import type { Content } from '../../contract/content.ts'
import { destinationOf } from '../../stats/destination.ts'
import type { Price, Prices } from '../../stats/prices.ts'

export type Guards = NonNullable<AccountSettings['guards']>

/** What is known of a message for the guards of its account. */
export interface GuardFacts {
  readonly guards: Guards
  /** In the account's time zone, as yyyy-mm-dd. */
  readonly day: string
  /** What it is expected to cost; undefined = the price table does not say. */
  readonly price: Price | undefined
}

export interface Guarded {
  readonly settings: Pick<AccountSettings, 'guards' | 'timezone'>
  readonly provider: string
  readonly content: Content
  /** E.164 */
  readonly phone: string
}

/** @returns the facts of one message; undefined where its account has no guards */
export type GuardFactsOf = (message: Guarded) => GuardFacts | undefined

export const createGuardFacts =
  (prices: Prices, now: () => Date): GuardFactsOf =>
  ({ settings: { guards, timezone }, provider, content, phone }) => {
    if (!guards || Object.keys(guards).length === 0) return undefined
    const at = now()
    const charge = { provider, category: categoryOf(content), destination: destinationOf(phone), at }
    return {
      guards,
      day: DateTime.fromJSDate(at, { zone: timezone }).toFormat('yyyy-MM-dd'),
      price: guards.costPerDay && prices.of(charge),
    }
  }

function categoryOf(content: Content): string {
  if (content.type !== 'template') return 'service'
  return content.isMarketing ? 'marketing' : 'utility'
}

export type GuardCode = 'shipment_daily_limit' | 'account_daily_quota' | 'account_cost_ceiling' | 'recipient_daily_cap'

/** Something of a day that is counted, and how much of it there may be. */
export interface Use {
  /** Unique for what is counted. */
  readonly id: string
  readonly adds: number
  readonly limit: number
  readonly code: GuardCode
  /** Why a message is turned away, in a sentence. */
  says(used: number): string
}

export interface Told {
  readonly accountId: number
  readonly subject?: { readonly type: string; readonly id: string } | undefined
  readonly customerPhone?: string | undefined
}

/** What a message uses up, what stops it most narrowly first. */
export function usesOf({ accountId, subject, customerPhone }: Told, { guards, day, price }: GuardFacts): Use[] {
  const place = `${accountId}/${day}`
  const counted = (code: GuardCode, name: string, limit: number | undefined, who: string): Use[] =>
    limit === undefined
      ? []
      : [
          {
            id: `${place}/${name}`,
            adds: 1,
            limit,
            code,
            says: (used) => `${who} ${used} of the ${limit} messages that are allowed for ${day}`,
          },
        ]
  return [
    ...(subject?.type === 'shipment'
      ? counted(
          'shipment_daily_limit',
          `shipment/${subject.id}`,
          guards.firstMessagesPerShipmentAndDay,
          'about this shipment there have been',
        )
      : []),
    ...counted(
      'recipient_daily_cap',
      recipientName(customerPhone ?? ''),
      guards.messagesPerRecipientAndDay,
      'this recipient has got',
    ),
    ...counted('account_daily_quota', 'messages', guards.messagesPerDay, 'the account has sent'),
    ...costOf(place, day, guards.costPerDay, price),
  ]
}

/**
 * Counter of what one recipient got of one account on one day.
 * @param day yyyy-mm-dd
 * @param phone E.164
 */
export const recipientCounterId = (accountId: number, day: string, phone: string): string =>
  `${accountId}/${day}/${recipientName(phone)}`

/** Counters are no place for numbers of people. */
const recipientName = (phone: string): string => `recipient/${createHash('sha256').update(phone).digest('base64url')}`

/** Amounts in another currency, or of which nothing is known, cannot be added up. */
function costOf(place: string, day: string, ceiling: Guards['costPerDay'], price: Price | undefined): Use[] {
  if (!ceiling || price?.currency !== ceiling.currency || price.micros === 0) return []
  const { amount, currency } = ceiling
  return [
    {
      id: `${place}/cost/${currency}`,
      adds: price.micros,
      limit: microsOf(amount),
      code: 'account_cost_ceiling',
      says: (used) =>
        `the account's messages of ${day} cost ${inUnits(used)} ${currency}, this one ${inUnits(price.micros)}, and ${amount} are allowed for a day`,
    },
  ]
}

const millionths = 6

/** Exactly: a float would lose paise. */
function microsOf(amount: string): number {
  const [whole = '0', fraction = ''] = amount.split('.')
  return Number(whole + fraction.padEnd(millionths, '0'))
}

/** Without needless zeros: `0.115`, `500`. */
const inUnits = (micros: number): string => String(micros / 10 ** millionths)

export interface Judged<T> {
  readonly message: T
  /** The same for every delivery of the same event. */
  readonly key: string
  readonly uses: readonly Use[]
}

/**
 * Lets messages pass one after the other, as long as nothing is used up. What is turned away uses nothing, nor does the
 * repetition of one before it.
 * @param used how much of each thing is used up already
 */
export function judge<T>(
  messages: readonly Judged<T>[],
  used: ReadonlyMap<string, number>,
): Map<T, { readonly code: GuardCode; readonly detail: string }> {
  const sums = new Map(used)
  const seen = new Set<string>()
  const refused = new Map<T, { readonly code: GuardCode; readonly detail: string }>()
  for (const { message, key, uses } of messages) {
    if (seen.has(key)) continue
    seen.add(key)
    const sumOf = ({ id }: Use) => sums.get(id) ?? 0
    const over = uses.find((use) => sumOf(use) + use.adds > use.limit)
    if (over) refused.set(message, { code: over.code, detail: over.says(sumOf(over)) })
    else for (const use of uses) sums.set(use.id, sumOf(use) + use.adds)
  }
  return refused
}
