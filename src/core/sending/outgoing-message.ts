/** An outgoing message: its states, the evidence about it, and what is stored of it. */

import type { OrderSnapshot } from '../activity/order-snapshot.ts'
import type { Content } from '../contract/content.ts'

export type MessageState =
  | 'queued'
  | 'sending'
  | 'waiting'
  | 'accepted'
  | 'failed'
  | 'in_doubt'
  | 'unknown'
  | 'expired'
  | 'skipped'

/** How much is known of a message's fate. Evidence only ever raises it, so order and repeats cannot matter. */
export const rank = {
  pending: 1,
  unclear: 2,
  accepted: 3,
  sent: 4,
  /** Below delivered on purpose: with several devices both can be reported, and proof of delivery wins. */
  failed: 5,
  delivered: 6,
  read: 7,
} as const

export type MessageStatus =
  | 'queued'
  | 'accepted'
  | 'sent'
  | 'delivered'
  | 'read'
  | 'failed'
  | 'expired'
  | 'skipped'
  | 'unknown'

const statusByRank: Readonly<Record<number, MessageStatus>> = {
  [rank.accepted]: 'accepted',
  [rank.sent]: 'sent',
  [rank.failed]: 'failed',
  [rank.delivered]: 'delivered',
  [rank.read]: 'read',
}

/** The one word that users of the API see. */
export function statusOf(message: { readonly state: MessageState; readonly statusRank: number }): MessageStatus {
  if (message.state === 'skipped' || message.state === 'expired') return message.state
  return statusByRank[message.statusRank] ?? (message.statusRank === rank.unclear ? 'unknown' : 'queued')
}

/** What a lane takes first: lower goes before higher, however long the higher has waited. */
export const priority = { usual: 0, bulk: 1 } as const

export type Priority = (typeof priority)[keyof typeof priority]

/** Why this connection sends the message. */
export interface Route {
  readonly connectionId: number | null
  readonly why: string
}

/** A message as it is first written. */
export interface OutgoingDraft {
  readonly reference: string
  readonly accountId: number
  readonly kind: string
  readonly subject?: { readonly type: string; readonly id: string } | undefined
  readonly idempotencyKey: string
  readonly statusLogId?: string | undefined
  readonly reason?: string | undefined
  readonly connectionId?: number | undefined
  readonly customerPhone?: string | undefined
  readonly customerUserId?: string | undefined
  readonly businessPhone?: string | undefined
  readonly templateId?: number | undefined
  readonly root?: { readonly id: number; readonly messageId: string } | undefined
  readonly contextMessageId?: string | undefined
  readonly content?: Content | undefined
  readonly snapshot: OrderSnapshot
  readonly route: Route
  readonly state: 'queued' | 'sending' | 'skipped'
  /** Who asked for it, where a person did. */
  readonly createdBy?: string | undefined
  /** Default: the usual one. */
  readonly priority?: Priority | undefined
  readonly dueAt?: Date | undefined
  /** It waits for this morning; the same as `dueAt` then. */
  readonly quietUntil?: Date | undefined
  /** When it was asked for, where that is later than the clock of who writes it says. */
  readonly createdAt?: Date | undefined
  readonly expiresAt?: Date | undefined
  readonly failure?: { readonly code: string; readonly detail?: string } | undefined
}

/** A message that is claimed and about to be handed to its provider. */
export interface ClaimedMessage {
  readonly id: number
  /** Id of the conversation's first message, by which its way through the logs is followed. */
  readonly conversationId: number
  readonly reference: string
  /** Number of this attempt, from 1. */
  readonly attempt: number
  readonly accountId: number
  readonly channelId: string | undefined
  readonly kind: string
  /** To what the customer wrote or tapped; else it comes unasked. */
  readonly isAnswer: boolean
  readonly connectionId: number
  readonly customerPhone: string | undefined
  readonly customerUserId: string | undefined
  readonly businessPhone: string | undefined
  readonly contextMessageId: string | undefined
  readonly templateId: number | undefined
  readonly content: Content
  readonly expiresAt: Date | undefined
  /** Reading of the process's monotonic clock (ms) after which it is too late to begin the call. */
  readonly callBefore: number
}

/**
 * What we give the provider as our id of one attempt. The number tells attempts apart when a doubt was sent again.
 */
export const attemptReference = (reference: string, attempt: number): string => `${reference}.${attempt}`

/** Reads {@link attemptReference}; undefined for what was not made by it. */
export function parseAttemptReference(text: string | undefined): { reference: string; attempt: number } | undefined {
  const match = /^([\w-]{22})\.(\d{1,4})$/.exec(text ?? '')
  return match?.[1] ? { reference: match[1], attempt: Number(match[2]) } : undefined
}
