/** What comes back from a provider, in our own terms. Adapters produce these; only core decides what they mean. */

import type { CustomerAction } from './actions.ts'
import type { Address } from './address.ts'
import type { Failure } from './failures.ts'

/** `accepted`: the provider has it and is on its way, as its answer to the send says, too. */
export type ReportStatus = 'accepted' | 'sent' | 'delivered' | 'read' | 'failed'

/** One delivery report (DLR) about a message of ours. */
export interface DeliveryReport {
  readonly type: 'report'
  /** The vendor's id of the message it speaks of. */
  readonly messageId: string
  /** The reference that we gave with the send, when the vendor echoes it. */
  readonly reference?: string
  /** Undefined for a status that we do not know: it is stored and counted, and changes nothing. */
  readonly status?: ReportStatus
  readonly vendorStatus: string
  /** Nothing proves it, or nobody knows the word: it changes nothing, and the provider is asked. */
  readonly isUnconfirmed?: boolean
  /** The provider's own time; undefined when absent or absurd. */
  readonly at?: Date
  readonly recipient: Address
  readonly failure?: Failure
  readonly pricing?: Pricing
  readonly raw: unknown
}

/** What the provider says a message costs. Each fact comes with some of the reports only; what is absent is not said. */
export interface Pricing {
  /** How prices are made, e.g. `PMP` (per message) or `CBP` (per conversation). */
  readonly model?: string
  /** Why it costs or not, e.g. `regular`, `free_customer_service`. */
  readonly type?: string
  /** The price list's category, e.g. `utility`, `marketing`, `service`. */
  readonly category?: string
  readonly isBillable?: boolean
  /** What it costs, in millionths of the currency in which the provider bills; only where the provider says so. */
  readonly amountMicros?: number
  readonly conversationId?: string
  /** What opened that conversation, e.g. `referral_conversion`. */
  readonly conversationOrigin?: string
}

/** Something that the customer sent: a tap, a text, a picture, a reaction, anything. */
export interface CustomerReply {
  readonly type: 'reply'
  /** The vendor's id of the customer's message. */
  readonly messageId: string
  /** The vendor's word for its kind: `button`, `button_reply`, `list_reply`, `text`, `image`, `location`, `unsupported`, ... */
  readonly replyType: string
  /** What a person would read: the text, the button's title, the caption, `lat,long`. */
  readonly value?: string
  /** The payload or id that we gave to the button. */
  readonly buttonId?: string
  /** What was chosen, where a dialogue of the provider's asked for it and no button of ours did. */
  readonly choice?: Choice
  /** Our reference of the message that is answered, when the vendor echoes it. */
  readonly reference?: string
  /** The vendor's id of the message that is answered. */
  readonly contextMessageId?: string
  readonly from: Address
  readonly profileName?: string
  readonly at?: Date
  readonly raw: unknown
}

export interface Choice {
  readonly action: CustomerAction
  /** Of a date, `yyyy-mm-dd`. */
  readonly value?: string
}

interface NewsOfContact {
  readonly type: 'contact_news'
  /** The same id is the same news, however often it comes. */
  readonly newsId: string
  /** Whom it is about; of somebody who moved, as they were known before. */
  readonly customer: Address
  readonly at?: Date
  readonly raw: unknown
}

/** The customer asked the provider for no marketing messages from us, or took that back. */
export interface MarketingWish extends NewsOfContact {
  readonly news: 'marketing_stopped' | 'marketing_resumed'
}

/** The customer has another phone number or user id from now on. */
export interface CustomerMoved extends NewsOfContact {
  readonly news: 'moved'
  /** What is new; what it does not name stays as it was. */
  readonly movedTo: Address
}

/** A person wrote to the customer by hand, from the business phone. It is our side's message, never a reply. */
export interface HumanMessage extends NewsOfContact {
  readonly news: 'human_wrote'
  readonly message: { readonly id: string; readonly type: string; readonly value?: string }
}

/** What we learn about a customer without being written to. */
export type ContactNews = MarketingWish | CustomerMoved | HumanMessage

/** A part of a batch that could not be read. Parked with its reason; its siblings go on. */
export interface UnreadablePart {
  readonly type: 'unreadable'
  readonly why: string
  readonly raw: unknown
}

/**
 * News about the account, its phone numbers or its templates rather than about one message. Every piece is kept as an
 * entry that an operator can read; what it changes is in its effects.
 */
export interface AccountNews {
  readonly type: 'account_news'
  /** The vendor's word for the kind of news. */
  readonly topic: string
  /** `critical`: somebody has to act, or messages stay; `warning`: somebody should look. */
  readonly severity: 'info' | 'warning' | 'critical'
  /** What happened, in plain words. */
  readonly summary: string
  readonly effects: readonly NewsEffect[]
  /** The vendor's own time: older news never undoes newer. */
  readonly at?: Date
  readonly raw: unknown
}

/** Name and language of a template, as it is registered. */
export interface TemplateKey {
  readonly name: string
  readonly language: string
}

/** May messages be made from the template: yes, not yet or never, or not for the time being? */
export type TemplateUse = 'usable' | 'not_approved' | 'paused'

/** Why an account cannot send until the vendor takes it back. */
export const blockReasons = ['account_banned', 'account_restricted', 'account_deleted', 'account_offboarded'] as const
export type BlockReason = (typeof blockReasons)[number]

export type NewsEffect =
  /** `use` is absent when the vendor's status changes nothing for messages. */
  | {
      readonly type: 'template_status'
      readonly template: TemplateKey
      readonly status: string
      readonly use?: TemplateUse
    }
  /** The price list's category in capitals: `UTILITY`, `MARKETING`, `AUTHENTICATION`. */
  | { readonly type: 'template_category'; readonly template: TemplateKey; readonly category: string }
  | { readonly type: 'template_quality'; readonly template: TemplateKey; readonly quality: string }
  | { readonly type: 'template_body'; readonly template: TemplateKey; readonly body: string }
  /** No message may leave through the account; it ends by itself at `until`, if that is given. */
  | { readonly type: 'account_blocked'; readonly reason: BlockReason; readonly until?: Date }
  /** Ends blocks that have one of these reasons, and no other pause. */
  | { readonly type: 'account_released'; readonly reasons: readonly BlockReason[] }
  | { readonly type: 'sender_quality'; readonly quality: 'good' | 'medium' | 'bad' }
  /** What the vendor lets the number send from now on. */
  | { readonly type: 'sender_limits'; readonly messagesPerSecond: number; readonly concurrency: number }

/** A part that means nothing to anybody, such as a vendor's own test. Counted by `topic`. */
export interface IgnoredPart {
  readonly type: 'ignored'
  readonly topic: string
}

export type InboundPart = DeliveryReport | CustomerReply | ContactNews | AccountNews | UnreadablePart | IgnoredPart

/**
 * One part and whom the vendor addressed it to: a sender (the vendor's id of our phone number), or for news the account,
 * perhaps narrowed to one of its numbers.
 */
export interface InboundEvent {
  readonly senderId?: string
  /** The vendor's id of the business account. */
  readonly vendorAccountId?: string
  /** The business phone number that the news is about, E.164. */
  readonly senderPhone?: string
  readonly part: InboundPart
}
