/** What customers said about being written to, and what that forbids: pure. */

import { platformAccountId } from '../accounts/connections.ts'
import type { Address } from '../contract/address.ts'
import { canonicalPhone } from './canonical-phone.ts'

/** `all`: any message at all; `marketing`: what the provider counts as marketing. Neither says anything of the other. */
export const consentTopics = ['all', 'marketing'] as const
export type ConsentTopic = (typeof consentTopics)[number]

/** How it became known: a word of the customer's, their setting at the provider, a message refused for it, the API. */
export type ConsentSource = 'word' | 'preference' | 'refusal' | 'api'

/** What somebody said last about one topic. */
export interface Consent {
  readonly isWanted: boolean
  readonly at: Date
  readonly by: ConsentSource
}

/** A word about one topic, as it is kept for one phone or user id. */
export interface KnownConsent extends Consent {
  readonly accountId: number
  /** A canonical phone, or a user id. */
  readonly address: string
  readonly topic: ConsentTopic
}

/** Something that a person said to an account about one topic. */
export interface Wish extends Consent {
  readonly accountId: number
  readonly address: Address
  readonly topic: ConsentTopic
}

/** Topics that a person refused, of a message through a certain sender. */
export type Refused = Readonly<Record<ConsentTopic, boolean>>

/** Who would write to whom: one refusal counts, whether told to the message's own account or to the sender's owner. */
export interface Asked {
  readonly accountIds: readonly number[]
  readonly address: Address
}

/** What some people said, to whichever account. */
export interface Consents {
  /** Accounts to which any of them said something. */
  readonly accountIds: readonly number[]
  latest(accountId: number, address: Address, topic: ConsentTopic): Consent | undefined
  refused(asked: Asked): Refused
  /** What is known of the person at one of their addresses only, or is older at the other. */
  unequal(address: Address): Wish[]
}

/**
 * Is what comes by a connection about who somebody is to be believed for what was said to this account? A client vouches
 * for what was said to itself; the platform's numbers are everybody's.
 */
export const isVouchedBy = (owner: number | undefined, accountId: number): boolean =>
  owner === accountId || owner === platformAccountId

/** The addresses under which a person's words are kept. */
export const consentKeys = ({ phone, userId }: Address): string[] => [
  ...(phone ? [canonicalPhone(phone)] : []),
  ...(userId ? [userId] : []),
]

export function createConsents(known: readonly KnownConsent[]): Consents {
  const keyOf = (accountId: number, topic: ConsentTopic, address: string) => `${accountId}/${topic}/${address}`
  const words = new Map(known.map((consent) => [keyOf(consent.accountId, consent.topic, consent.address), consent]))
  const wordsOf = (accountId: number, address: Address, topic: ConsentTopic) =>
    consentKeys(address).flatMap((key) => words.get(keyOf(accountId, topic, key)) ?? [])
  const latest = (accountId: number, address: Address, topic: ConsentTopic): Consent | undefined =>
    wordsOf(accountId, address, topic).sort(byTime).at(-1)
  return {
    accountIds: [...new Set(known.map(({ accountId }) => accountId))],
    latest,
    refused({ accountIds, address }) {
      const isRefused = (topic: ConsentTopic) =>
        accountIds.some((accountId) => latest(accountId, address, topic)?.isWanted === false)
      return { all: isRefused('all'), marketing: isRefused('marketing') }
    },
    unequal(address) {
      const keys = consentKeys(address)
      const concerned = known.filter((consent) => keys.includes(consent.address))
      return concerned.flatMap(({ accountId, topic, isWanted, at, by }) => {
        const own = wordsOf(accountId, address, topic)
        const isNewest = own.every((other) => other.at <= at)
        const isEqual = own.length === keys.length && own.every((other) => other.at.getTime() === at.getTime())
        return isNewest && !isEqual ? [{ accountId, address, topic, isWanted, at, by }] : []
      })
    },
  }
}

/** Of words of the same moment the refusal counts. */
const byTime = (a: Consent, b: Consent): number =>
  a.at.getTime() - b.at.getTime() || Number(b.isWanted) - Number(a.isWanted)

/** Does this word count against what is known? The latest one does, in whatever order they come. */
export const counts = (wish: Consent, known: Consent | undefined): boolean => !known || known.at <= wish.at

/**
 * When something was said that is told in whole seconds: at the end of its second, so that a word which came before it
 * does not outlast it, yet not after it was received.
 */
export const saidAt = (told: Date, receivedAt: Date): Date =>
  new Date(Math.min(told.getTime() + lastMsOfSecond, receivedAt.getTime()))

const lastMsOfSecond = 999

/** The provider refused a message because its recipient wants no marketing messages from the owner of its sender. */
export const marketingRefusal = (
  message: {
    readonly customerPhone?: string | null | undefined
    readonly customerUserId?: string | null | undefined
  },
  accountId: number,
  at: Date,
): Wish => ({
  accountId,
  address: {
    ...(message.customerPhone ? { phone: message.customerPhone } : {}),
    ...(message.customerUserId ? { userId: message.customerUserId } : {}),
  },
  topic: 'marketing',
  isWanted: false,
  at,
  by: 'refusal',
})
