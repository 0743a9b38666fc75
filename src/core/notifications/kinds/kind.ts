/** What a kind of notification is: how its events are recognised and read, and what it says to whom. */

import type { OrderSnapshot } from '../../activity/order-snapshot.ts'
import type { ReasonTable } from '../reason.ts'
import type { KindTemplate } from './kind-template.ts'
import type { ShipmentEnd } from './shipment-end.ts'

/** What a kind's text may say in the language of its template. */
export interface Words {
  /** `and 3 more` */
  andMore(count: number): string
  /** What to call a customer whose name is not known. */
  readonly unnamedCustomer: string
  /** A date (`yyyy-mm-dd`): `23 June 2026` */
  date(date: string): string
}

/** Facts that a kind's text may need besides its event. */
export interface ComposeFacts {
  /** The recipient, E.164. */
  readonly phone: string
  readonly support: { readonly phone?: string | undefined; readonly email?: string | undefined }
  /** Language of the template that is filled. */
  readonly language: string
  readonly words: Words
}

/** Told by the template that stands for a reason: the account's own, else the built-in one. */
export interface ReasonContent {
  readonly type: 'reason'
  /** What the message is about; the key of the account's template for it. */
  readonly reason: string
  /** The built-in template. */
  readonly templateName: string
  /** False: sent only if the account maps a template of its own to the reason. */
  readonly isNotifiedByDefault: boolean
  /** The language that the event asks for, e.g. `hi_IN`; it comes before the account's. */
  readonly language?: string | undefined
  /** Template values in positional order. */
  values(facts: ComposeFacts): Record<string, string>
}

/** Told by a template that whoever asks for the message names. */
export interface NamedContent {
  readonly type: 'named'
  readonly name: string
  /** Default: the account's first. */
  readonly language?: string | undefined
  /** By variable, or in positional order. */
  readonly values: Readonly<Record<string, string>> | readonly string[]
}

/** Free text, at most 4096 characters: only for customers who are in touch. */
export interface FreeText {
  readonly type: 'text'
  readonly text: string
}

export type NoticeContent = ReasonContent | NamedContent | FreeText

/** One notification that an event asks for, before settings are looked at. */
export interface Notice {
  readonly accountId: number
  readonly channelId?: string | undefined
  /** The same for every delivery of the same event; at most one message is sent for it. */
  readonly idempotencyKey: string
  readonly statusLogId?: string | undefined
  /** Undefined: nothing of which more may be told. */
  readonly subject?: { readonly type: string; readonly id: string } | undefined
  /** When it happened, by the subject's own log. */
  readonly happenedAt?: Date | undefined
  readonly content: NoticeContent
  /** As the event gives it. */
  readonly phone: string
  readonly country?: string | undefined
  /** The connection that was asked for. Default: the account's. */
  readonly connectionId?: number | undefined
  /** Who asked for it, where a person did. */
  readonly createdBy?: string | undefined
  /** The bulk that it is a line of: it leaves after all else. */
  readonly bulkId?: number | undefined
  /** Why it is only written down, in one word; undefined: it is to be sent. */
  readonly ignoredBecause?: string | undefined
  readonly snapshot: OrderSnapshot
}

export type Reading =
  | { readonly ok: true; readonly notice: Notice }
  | { readonly ok: false; readonly reason: string; readonly detail: string }

export interface NotificationKind {
  readonly id: string
  /** How its events are addressed at the broker, e.g. `invoice.#`. */
  readonly routingKeys: readonly string[]
  /** A message that could not be sent for so long is of no use any more. */
  readonly usefulMs: number
  /** Do its messages wait while the hours are quiet where the recipient lives? Not what a person wrote by hand. */
  readonly waitsForMorning: boolean
  /** Of all its reasons. */
  templates(reasons: ReasonTable): readonly KindTemplate[]
  recognises(event: unknown): boolean
  /** Is it a sound event of the same source that asks for no notification? Then it is passed over without a trace. */
  passesOver?(event: unknown): boolean
  /**
   * Does it end the conversations about its subject?
   * @param closing statuses that do
   */
  endOf?(event: unknown, closing: ReadonlySet<string>): ShipmentEnd | undefined
  /** Whose event it is, also of one that cannot be used; undefined when it does not tell. */
  accountOf(event: unknown): number | undefined
  /**
   * Never throws; says why when the event cannot be used.
   * @param deliveryId tells events apart that do not do so themselves, the same when one is repeated
   */
  read(event: unknown, reasons: ReasonTable, deliveryId?: string): Reading
}
