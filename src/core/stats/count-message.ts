/** What one message counts as: pure, and of nothing but its own rows, so that counting again gives the same. */

import { type MessageState, rank, statusOf } from '../sending/outgoing-message.ts'
import type { Facts } from './cells.ts'
import { destinationOf } from './destination.ts'
import { histogramOf } from './histogram.ts'

/** A message as far as it is counted. */
export interface CountedMessage {
  readonly state: MessageState
  readonly statusRank: number
  readonly createdAt: Date
  readonly acceptedAt: Date | null
  readonly sentAt: Date | null
  readonly deliveredAt: Date | null
  readonly readAt: Date | null
  readonly failureCode: string | null
  readonly customerPhone: string | null
  readonly template: string | null
  readonly pricingCategory: string | null
  readonly isBillable: boolean | null
  readonly priceMicros: number | null
  /** Did a customer answer it? */
  readonly isAnswered: boolean
  /** What the customer decided in the conversation that it began. */
  readonly decision?: { readonly action: string; readonly decidedAt: Date } | undefined
  /** Did the courier side take that decision? */
  readonly isDecisionTaken: boolean
}

/** Facts of messages that are charged by the price table: category, destination and template, where nobody told it. */
export type ChargeKey = readonly [category: string | null, destination: string, template: string | null]

export const chargePrefix = 'charged:'

/** The funnel is cumulative: what was read was delivered, what was delivered was sent, whatever was reported. */
export function countMessage(message: CountedMessage): Facts {
  const status = statusOf(message)
  if (status === 'skipped') return { [`skipped:${message.failureCode ?? 'unknown'}`]: 1 }
  const { statusRank } = message
  const isRead = statusRank >= rank.read || message.readAt !== null
  const isDelivered = isRead || statusRank >= rank.delivered || message.deliveredAt !== null
  const isSent = isDelivered || statusRank === rank.sent || message.sentAt !== null
  const isAccepted = isSent || statusRank === rank.accepted || message.acceptedAt !== null
  return {
    queued: 1,
    ...(isAccepted ? { accepted: 1 } : {}),
    ...(isSent ? { sent: 1 } : {}),
    ...(isDelivered ? { delivered: 1 } : {}),
    ...(isRead ? { read: 1 } : {}),
    ...(status === 'failed' ? { [`failed:${message.failureCode ?? 'unknown'}`]: 1 } : {}),
    ...(status === 'expired' || status === 'unknown' ? { [status]: 1 } : {}),
    ...answers(message),
    ...(isDelivered ? timeTo('delivery', message.createdAt, message.deliveredAt ?? message.readAt) : {}),
    ...charge(message, isDelivered),
  }
}

function answers({ isAnswered, decision, isDecisionTaken, createdAt }: CountedMessage): Facts {
  return {
    ...(isAnswered ? { replied: 1 } : {}),
    ...(decision ? { [`decided:${decision.action}`]: 1, ...timeTo('decision', createdAt, decision.decidedAt) } : {}),
    ...(isDecisionTaken ? { saved: 1 } : {}),
  }
}

/** From when the message was asked for. */
const timeTo = (what: 'delivery' | 'decision', from: Date, at: Date | null): Facts =>
  at ? { [what]: histogramOf(at.getTime() - from.getTime()) } : {}

/** An amount of the provider's own wins; otherwise what was delivered is charged, unless it is reported to be free. */
function charge(message: CountedMessage, isDelivered: boolean): Facts {
  const { priceMicros, isBillable, pricingCategory, template, customerPhone } = message
  if (priceMicros !== null) return { amount: priceMicros }
  if (!isDelivered || isBillable === false) return {}
  const destination = destinationOf(customerPhone)
  const key: ChargeKey = [pricingCategory, destination, pricingCategory === null ? template : null]
  return { [chargePrefix + JSON.stringify(key)]: 1 }
}
