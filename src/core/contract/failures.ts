/**
 * The closed vocabulary of what can go wrong with one send. Adapters map their vendor's codes to these words in a
 * table (`codes.ts`); everything that core decides about a failed attempt follows from the class given here.
 */

/**
 * - `not_sent_retry`: the vendor provably did not take it; try again later.
 * - `throttled`: refused for pace; not a fault of message or connection.
 * - `refused_message` / `template` / `recipient` / `window`: this message will never be taken as it is.
 * - `refused_account`: the connection cannot send at all until somebody repairs it; its messages wait.
 * - `in_doubt`: nobody knows whether the vendor took it; never sent again blindly.
 */
export type FailureClass =
  | 'not_sent_retry'
  | 'throttled'
  | 'refused_message'
  | 'refused_account'
  | 'template'
  | 'recipient'
  | 'window'
  | 'in_doubt'

/** What a throttling answer slows down. */
export type ThrottleScope = 'connection' | 'recipient'

export interface FailureKind {
  readonly class: FailureClass
  readonly scope?: ThrottleScope
  /** May another connection of the account be tried with the same message? */
  readonly tryNextConnection: boolean
  /** Does a person have to act? */
  readonly alert: boolean
  /** A sentence that may be shown to a client; names no vendor. */
  readonly text: string
}

export const failureKinds = {
  connection_unreachable: {
    class: 'not_sent_retry',
    tryNextConnection: true,
    alert: false,
    text: 'The provider could not be reached.',
  },
  not_called: {
    class: 'not_sent_retry',
    tryNextConnection: false,
    alert: false,
    text: 'The gateway did not come to hand it over.',
  },
  provider_busy: {
    class: 'not_sent_retry',
    tryNextConnection: true,
    alert: false,
    text: 'The provider asked to try again later.',
  },
  connection_throttled: {
    class: 'throttled',
    scope: 'connection',
    tryNextConnection: false,
    alert: false,
    text: 'The sender account reached its pace limit.',
  },
  recipient_throttled: {
    class: 'throttled',
    scope: 'recipient',
    tryNextConnection: false,
    alert: false,
    text: 'Too many messages to this recipient in a short time.',
  },
  credentials_invalid: {
    class: 'refused_account',
    tryNextConnection: true,
    alert: true,
    text: 'The credentials of the sender account are not accepted.',
  },
  permission_missing: {
    class: 'refused_account',
    tryNextConnection: true,
    alert: true,
    text: 'The sender account lacks a permission it needs.',
  },
  sender_not_registered: {
    class: 'refused_account',
    tryNextConnection: true,
    alert: true,
    text: 'The business phone number is not registered or was removed.',
  },
  account_restricted: {
    class: 'refused_account',
    tryNextConnection: true,
    alert: true,
    text: 'The provider restricted the sender account.',
  },
  billing_problem: {
    class: 'refused_account',
    tryNextConnection: true,
    alert: true,
    text: 'The sender account has a payment problem.',
  },
  recipient_unreachable: {
    class: 'recipient',
    tryNextConnection: false,
    alert: false,
    text: 'The recipient cannot be reached on WhatsApp.',
  },
  recipient_not_allowed: {
    class: 'recipient',
    tryNextConnection: false,
    alert: false,
    text: 'The sender account may not write to this recipient.',
  },
  recipient_opted_out: {
    class: 'recipient',
    tryNextConnection: false,
    alert: false,
    text: 'The recipient does not want such messages.',
  },
  recipient_limit: {
    class: 'recipient',
    tryNextConnection: false,
    alert: false,
    text: 'The provider limits how many such messages this recipient gets.',
  },
  template_missing: {
    class: 'template',
    tryNextConnection: true,
    alert: true,
    text: 'The template does not exist there in this language or is not approved.',
  },
  template_paused: {
    class: 'template',
    tryNextConnection: true,
    alert: true,
    text: 'The template is paused or disabled by the provider.',
  },
  template_parameters: {
    class: 'template',
    tryNextConnection: true,
    alert: true,
    text: 'The values do not fit the template.',
  },
  content_refused: {
    class: 'refused_message',
    tryNextConnection: false,
    alert: true,
    text: 'The content was refused by the provider.',
  },
  window_closed: {
    class: 'window',
    tryNextConnection: false,
    alert: false,
    text: 'More than 24 hours passed since the customer last wrote; only a template may be sent.',
  },
  request_invalid: {
    class: 'refused_message',
    tryNextConnection: false,
    alert: true,
    text: 'The provider did not understand the message.',
  },
  media_unavailable: {
    class: 'refused_message',
    tryNextConnection: false,
    alert: false,
    text: 'A media file could not be fetched or stored.',
  },
  unknown_refusal: {
    class: 'refused_message',
    tryNextConnection: false,
    alert: true,
    text: 'The provider refused the message for a reason that is not known here.',
  },
  provider_error: {
    class: 'in_doubt',
    tryNextConnection: false,
    alert: false,
    text: 'The provider answered with an error of its own; whether it took the message is not known.',
  },
  no_answer: {
    class: 'in_doubt',
    tryNextConnection: false,
    alert: false,
    text: 'The provider did not answer in time; whether it took the message is not known.',
  },
  answer_unreadable: {
    class: 'in_doubt',
    tryNextConnection: false,
    alert: false,
    text: 'The answer of the provider could not be read; whether it took the message is not known.',
  },
  process_lost: {
    class: 'in_doubt',
    tryNextConnection: false,
    alert: false,
    text: 'The gateway stopped while the message was being handed over.',
  },
} as const satisfies Record<string, FailureKind>

export type FailureCode = keyof typeof failureKinds

/** One failure as met: our code, and what the vendor said, kept because it comes only once. */
export interface Failure {
  readonly code: FailureCode
  /** The vendor's own code, as text, e.g. `131047` or `100/33` (code/subcode). */
  readonly vendorCode?: string
  /** The vendor's words, or the network error's; never a secret. */
  readonly detail?: string
  /** How long the vendor asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number
  /** The vendor itself calls the fault passing; shortens the wait that a doubt needs. */
  readonly transient?: boolean
}

/** The class and consequences of a failure code. */
export const failureKind = (code: FailureCode): FailureKind => failureKinds[code]
