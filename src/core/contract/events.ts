/** What comes back from a provider, in our own terms. Adapters produce these; only core decides what they mean. */

import type { Address } from './address.ts'
import type { Failure } from './failures.ts'

export type ReportStatus = 'sent' | 'delivered' | 'read' | 'failed'

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
  /** The provider's own time; undefined when absent or absurd. */
  readonly at?: Date
  readonly recipient: Address
  readonly failure?: Failure
  /** What the provider says it costs, kept as given. */
  readonly pricing?: Readonly<Record<string, unknown>>
  readonly raw: unknown
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
  /** The vendor's id of the message that is answered. */
  readonly contextMessageId?: string
  readonly from: Address
  readonly profileName?: string
  readonly at?: Date
  readonly raw: unknown
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

/** A part that we understand and do not act on (yet), such as news of another field. Counted by `topic`. */
export interface IgnoredPart {
  readonly type: 'ignored'
  readonly topic: string
}

export type InboundPart = DeliveryReport | CustomerReply | ContactNews | UnreadablePart | IgnoredPart

/** One part and the sender (the vendor's id of our phone number) to which the vendor addressed it. */
export interface InboundEvent {
  readonly senderId?: string
  readonly part: InboundPart
}
