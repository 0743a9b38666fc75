/** What the contract tests need to know of a provider. */

import type { FailureCode } from '../../../src/core/contract/failures.ts'
import type { OutgoingMessage, ProviderConnection, WebhookRequest } from '../../../src/core/contract/provider.ts'

export interface SampleAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Our reference of every message that the contract tests send. */
export const reference = 'ref-0123456789abcdef'

/** A message with this content, as the vendor must get it: compared whole. */
export interface SampleRequest {
  readonly content: OutgoingMessage['content']
  readonly path: string
  /** These among others. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** A few real-looking answers and webhooks of its own. */
export interface ProviderSamples {
  /** Settings that point the adapter at `baseUrl`. */
  settings(baseUrl: string): Readonly<Record<string, string>>
  readonly credentials: Readonly<Record<string, string>>
  /** What else the connection has. */
  readonly connection?: Partial<ProviderConnection>
  /** One for each kind of content that the provider can send. */
  readonly requests: readonly [SampleRequest, ...SampleRequest[]]
  /** Only for providers that log in first: the path of that call and its answer. */
  readonly login?: { readonly path: string; readonly answer: SampleAnswer }
  readonly accepted: SampleAnswer & { readonly messageId: string }
  readonly acceptedWithoutId: SampleAnswer
  readonly throttled: SampleAnswer & { readonly code: FailureCode }
  readonly credentialsRefused: SampleAnswer
  readonly serverError: SampleAnswer
  /** Only where a success may carry one message's failure. */
  readonly itemError?: SampleAnswer
  /** A refusal whose words repeat the text given, as careless vendors do with a token. */
  refusalThatRepeats(text: string): SampleAnswer
  /** A webhook with one report (`delivered`) and one reply, in this order. */
  readonly webhook: Buffer
  /** Webhooks with one report each, about the same message; of what the vendor never tells, what it might look like. */
  readonly reports: Readonly<Partial<Record<'sent' | 'delivered' | 'read' | 'failed', Buffer>>>
  readonly unknownStatus: Buffer
  /** Only where customers' messages come in kinds of the vendor's. */
  readonly unknownType?: Buffer
  /** A webhook whose first report cannot be read and whose second can. */
  readonly oneBad: Buffer
  /** Only for providers that sign: the headers of an authentic request. */
  sign?(body: Buffer, secret: string): WebhookRequest['headers']
  /** Only where the vendor sends headers along that it was told: those that fit the credentials. */
  readonly webhookHeaders?: WebhookRequest['headers']
  /** Only where references travel signed: webhooks with one that nobody here signed. */
  readonly forged?: readonly Buffer[]
  /** The credentials that hold signing secrets, the present one first. */
  readonly secretFields: readonly string[]
}
