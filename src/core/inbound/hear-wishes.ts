/** Replies by which customers stop and start messages: a word that is the whole message. */

import type { Connection } from '../accounts/connections.ts'
import { type Consents, isVouchedBy, saidAt, type Wish } from '../contacts/consent.ts'
import type { ConsentStore } from '../contacts/consent-store.ts'
import type { ConsentWord, ReadConsentWord } from '../contacts/consent-words.ts'
import type { ObeyWishes } from '../contacts/obey-wishes.ts'
import { recipientColumns } from '../contacts/recipient-columns.ts'
import type { Address } from '../contract/address.ts'
import { parseButtonPayload } from '../conversations/button-payload.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { Executor } from '../storage/database.ts'
import type { PendingReply } from './inbound-store.ts'
import type { KnownReply, MatchedReply } from './match-replies.ts'
import { isSpoken } from './reply-kinds.ts'
import { mayTurnUp } from './stray-replies.ts'

export interface HearDeps {
  readonly consents: Pick<ConsentStore, 'read'>
  readonly obeyWishes: ObeyWishes
  readonly consentWords: ReadConsentWord
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly now: () => Date
}

/** What a reply says about being written to, and what holds once all of its group were heard. */
export interface Heard {
  readonly word?: ConsentWord | undefined
  /** Says something else than what held before. */
  readonly isNews: boolean
  /** The customer wants no messages of this conversation. */
  readonly isRefused: boolean
}

interface Speaker {
  readonly reply: PendingReply
  readonly address: Address
  /** Whose conversation it is, if it is one, and whose connection. */
  readonly account: number | undefined
  readonly owner: number | undefined
  readonly word: ConsentWord | undefined
}

/** Keeps what the replies of a group say. One look-up for all of them; where nobody stops or starts, nothing more. */
export async function hearWishes(
  deps: HearDeps,
  tx: Executor,
  known: readonly KnownReply[],
  matched: readonly MatchedReply[],
  roots: ReadonlyMap<number, OutgoingRecord>,
): Promise<ReadonlyMap<number, Heard>> {
  const { consents, obeyWishes, now } = deps
  const matches = new Map(matched.map((match) => [match.reply.id, match]))
  const speakers = await Promise.all(
    known.map((entry) => {
      const match = matches.get(entry.reply.id)
      return speakerOf(deps, entry, match, match && roots.get(match.rootId))
    }),
  )
  const addresses = speakers.map(({ address }) => address)
  const before = await consents.read(tx, addresses)
  const undecided = await waitingForTheirs(tx, speakers)
  const said = [
    // First, what was known of one of somebody's addresses alone, now that both are known.
    ...speakers.flatMap((speaker) => learnt(speaker, before)).map((wish) => ({ wish, speaker: undefined })),
    ...speakers
      .filter((speaker) => !undecided.has(speaker))
      .flatMap((speaker) => wishesOf(speaker).map((wish) => ({ wish, speaker }))),
  ]
  const wishes = said.map(({ wish }) => wish)
  const areNews = await obeyWishes(tx, wishes, now())
  const after = wishes.length > 0 ? await consents.read(tx, addresses) : before
  const heard = new Set(said.flatMap(({ speaker }, index) => (areNews[index] && speaker ? [speaker] : [])))
  return new Map(
    speakers.map((speaker) => [
      speaker.reply.id,
      { word: speaker.word, isNews: heard.has(speaker), isRefused: isRefused(speaker, after) },
    ]),
  )
}

async function speakerOf(
  { consentWords, connection }: HearDeps,
  { reply, contact }: KnownReply,
  match: MatchedReply | undefined,
  root: OutgoingRecord | undefined,
): Promise<Speaker> {
  // Somebody who hides their phone and answers a message of ours is whom it was sent to.
  const answered = match?.contextId === undefined ? undefined : root
  const phone = reply.fromPhone ?? contact?.phone ?? answered?.customerPhone
  const userId = reply.fromUserId ?? contact?.userId ?? answered?.customerUserId
  const isWord = isSpoken(reply.type) && !parseButtonPayload(reply.buttonId ?? undefined)
  return {
    reply,
    address: { ...(phone ? { phone } : {}), ...(userId ? { userId } : {}) },
    account: root?.accountId,
    owner: (await connection(reply.connectionId))?.accountId,
    word: isWord && reply.value !== null ? consentWords(reply.value) : undefined,
  }
}

/** A STOP that may belong to a conversation which is only beginning: until that shows, nobody else is to hear it. */
async function waitingForTheirs(tx: Executor, speakers: readonly Speaker[]): Promise<ReadonlySet<Speaker>> {
  const undecided = new Set<Speaker>()
  for (const speaker of speakers) {
    if (speaker.word !== 'stop' || speaker.account !== undefined || !mayTurnUp(speaker.reply)) continue
    if (speaker.reply.contextMessageId !== null || (await isBeingSentTo(tx, speaker))) undecided.add(speaker)
  }
  return undecided
}

async function isBeingSentTo(tx: Executor, { reply, address }: Speaker): Promise<boolean> {
  for (const [column, value] of recipientColumns(address)) {
    const rows = await tx.select(
      `SELECT id FROM wa_outgoing_messages WHERE ${column} = $1 AND whatsappSenderConnectionId = $2
       AND state IN ('sending', 'in_doubt') LIMIT 1`,
      [value, reply.connectionId],
    )
    if (rows.length > 0) return true
  }
  return false
}

const learnt = ({ address, owner }: Speaker, consents: Consents): Wish[] =>
  consents.unequal(address).filter(({ accountId }) => isVouchedBy(owner, accountId))

/**
 * STOP was said to the account of the conversation; outside of any to whoever owns the number. START ends what either may
 * have been told: the customer sees one chat, and cannot know whom a STOP in it reached.
 */
function wishesOf({ reply, address, account, owner, word }: Speaker): Wish[] {
  if (!word) return []
  const isWanted = word === 'start'
  const listeners = isWanted ? [account, owner] : [account ?? owner]
  const at = saidAt(reply.writtenAt, reply.receivedAt)
  return accountsIn(listeners).map((accountId) => ({ accountId, address, topic: 'all', isWanted, at, by: 'word' }))
}

const isRefused = ({ address, account, owner }: Speaker, consents: Consents): boolean =>
  consents.refused({ accountIds: accountsIn([account, owner]), address }).all

const accountsIn = (listeners: readonly (number | undefined)[]): number[] => [
  ...new Set(listeners.filter((accountId) => accountId !== undefined)),
]
