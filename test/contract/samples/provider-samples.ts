/** What the contract tests need to know of a provider. */

import type { FailureCode } from '../../../src/core/contract/failures.ts'
import type { OutgoingMessage, ProviderConnection, WebhookRequest } from '../../../src/core/contract/provider.ts'

export interface SampleAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A few real-looking answers and webhooks of its own. */
export interface ProviderSamples {
  /** Settings that point the adapter at `baseUrl`. */
  settings(baseUrl: string): Readonly<Record<string, string>>
  readonly credentials: Readonly<Record<string, string>>
  /** What else the connection has. */
  readonly connection?: Partial<ProviderConnection>
  readonly content: OutgoingMessage['content']
  /** Only for providers that log in first: the path of that call and its answer. */
  readonly login?: { readonly path: string; readonly answer: SampleAnswer }
  readonly accepted: SampleAnswer & { readonly messageId: string }
  readonly acceptedWithoutId: SampleAnswer
  readonly throttled: SampleAnswer & { readonly code: FailureCode }
  readonly credentialsRefused: SampleAnswer
  readonly serverError: SampleAnswer
  /** A refusal whose words repeat the text given, as careless vendors do with a token. */
  refusalThatRepeats(text: string): SampleAnswer
  /** A webhook with one report (`delivered`) and one reply, in this order. */
  readonly webhook: Buffer
  readonly unknownStatus: Buffer
  /** Only where customers' messages come in kinds of the vendor's. */
  readonly unknownType?: Buffer
  /** A webhook whose first report cannot be read and whose second can. */
  readonly oneBad: Buffer
  /** Only for providers that sign: the headers of an authentic request. */
  sign?(body: Buffer, secret: string): WebhookRequest['headers']
  /** The credentials that hold signing secrets, the present one first. */
  readonly secretFields: readonly string[]
}
