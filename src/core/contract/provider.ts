/**
 * What a provider implements. An adapter is pure but for the one HTTP call it is asked to make: it does not retry,
 * log, count, sleep or touch the database. Core owns retry, breaker, pace, routing and the ledger.
 */

import type { IncomingHttpHeaders } from 'node:http'
import type { CustomerAction } from './actions.ts'
import type { Content } from './content.ts'
import type { InboundEvent, TemplateKey } from './events.ts'
import type { Failure } from './failures.ts'
import type { Registration, RegistrationForm, TemplateList } from './templates.ts'

/** One field of a provider's credentials: drives validation, the API's answers, redaction and docs. */
export interface CredentialField {
  readonly name: string
  readonly label: string
  readonly help: string
  readonly required: boolean
  /** Never shown again once stored (but for its last four characters) and masked in logs. */
  readonly sensitive: boolean
  readonly pattern?: RegExp
  /** What the provider takes when the field is absent; shown beside it. */
  readonly default?: string
  /** The field without which this one means nothing: both are given or neither. */
  readonly togetherWith?: string
}

/** A field of what a connection says of a template: shown to whoever may see the connection. */
export type TemplateField = CredentialField & { readonly sensitive: false }

/** What differs between providers and matters to core. Core asks these flags, never which provider it is. */
export interface Capabilities {
  /** Does the vendor send our reference back in its reports? Then a doubt is resolved by evidence. */
  readonly echoesReference: boolean
  /** Does it tell that a message was read? Where not, a message that is never `read` means nothing. */
  readonly readReceipts: boolean
  /** Free text and buttons. Where not, only templates are ever sent. */
  readonly freeForm: boolean
  /** Free-form content is only taken within so long after the customer's last message; absent = always. */
  readonly serviceWindowMs?: number
  /**
   * Does the vendor send a webhook again, for hours at least, that was not answered 200? If not, one that cannot be
   * stored at once must be kept elsewhere before it is answered, and that no report came proves nothing.
   */
  readonly retriesWebhooks: boolean
  /**
   * `signature`: every webhook proves its origin over its bytes, so one URL may serve all numbers of the platform, and a
   * handshake is made. `url`: only the unguessable URL of the connection vouches for it, perhaps with a header that the
   * vendor was told to send along; so there is no URL for the whole platform.
   */
  readonly webhookProof: 'signature' | 'url'
  /**
   * `registered`: the vendor keeps, approves and finds templates by name. `mapped`: it knows none of our names, and
   * each connection says what stands for a template there (`templateFields`).
   */
  readonly templates: 'registered' | 'mapped'
  /** Can registered templates be read and created through the vendor's API (`listTemplates`, `registerTemplate`)? */
  readonly managesTemplates?: boolean
  /** Does the vendor send webhooks only to whom an API call subscribed (`subscribe`)? */
  readonly subscribes?: boolean
  /**
   * Can the vendor be asked for a message by our reference, and for what became of it (`lookUp`, `poll`)? Where it can, a
   * failure that a webhook reports without a signature is only a hint to ask; where it cannot, the report counts.
   */
  readonly looksUp: boolean
  /**
   * Who talks on after the first message. `provider`: a dialogue there asks the customer and tells us the choice; it is
   * recorded and pushed, and nothing is sent from here.
   */
  readonly dialogue: 'gateway' | 'provider'
}

/** A sender connection as an adapter needs it: decrypted, and only for the time of the call. */
export interface ProviderConnection {
  readonly id: string
  readonly credentials: Readonly<Record<string, string>>
  /** Known to us alone: signs what the vendor brings back without a signature of its own. */
  readonly signingSecret?: string
  /** `name.language` -> what stands for the template there; only where templates are `mapped`. */
  readonly templates?: TemplateMappings
  /**
   * Where the vendor reports to, as it reaches us; only given to `check`, and only of a connection that exists. A secret:
   * no finding tells it.
   */
  readonly webhookUrl?: string
  /** Result of the provider's dialogue -> value -> what the customer chose; only where the dialogue is the provider's. */
  readonly dialogueResults?: DialogueResults
}

export type TemplateMappings = Readonly<Record<string, Readonly<Record<string, string>>>>

export type DialogueResults = Readonly<Record<string, Readonly<Record<string, CustomerAction>>>>

/** Key of {@link TemplateMappings}. */
export const templateKey = ({ name, language }: TemplateKey): string => `${name}.${language}`

export interface OutgoingMessage {
  /** E.164 with `+`, or absent when only a user id is known. */
  readonly phone?: string
  readonly userId?: string
  readonly content: Content
  /** Our reference for this attempt; opaque, at most 64 characters. */
  readonly reference: string
  /** The vendor's id of the customer's message that is answered. */
  readonly contextMessageId?: string
  /** Where reports on this message are to be sent, for vendors that want to be told with each one. */
  readonly reportUrl?: string
}

/** The three outcomes of a send. `refused` means: provably not taken. */
export type SendOutcome =
  | {
      readonly outcome: 'accepted'
      readonly messageId: string
      readonly recipientId?: string
      readonly note?: string
      /** Does the vendor provably keep our reference, so that not finding it means not having it? Absent = not told. */
      readonly isReferenceKept?: boolean
    }
  | { readonly outcome: 'refused'; readonly failure: Failure }
  | { readonly outcome: 'in_doubt'; readonly failure: Failure }

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Less time than the client gives an exchange as a whole. */
  readonly timeoutMs?: number
}

/**
 * What an HTTP exchange came to. `unsent`: the request was provably not written. `lost`: it may have been received,
 * but no complete answer came back within deadline and size limit.
 */
export type HttpResult =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }
  | { readonly kind: 'unsent'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string }

/** One HTTP exchange with a deadline and a size limit; never throws, never retries, never follows a redirect. */
export type HttpClient = (request: HttpRequest) => Promise<HttpResult>

/** One finding about a connection, in plain words. */
export interface ConnectionCheck {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  /** What to do about it; absent when ok. */
  readonly fix?: string
  /** With these credentials the vendor showed the very number that they name (`senderIdField`). */
  readonly provesNumber?: true
}

export interface WebhookRequest {
  readonly headers: IncomingHttpHeaders
  /** The bytes as received: a signature is only valid over these. */
  readonly body: Buffer
}

/** What the vendor says of one reference. `not_known`: it could not be asked, or did not answer. */
export type LookUp =
  | { readonly result: 'found'; readonly messageId: string }
  | { readonly result: 'absent' }
  | { readonly result: 'not_known'; readonly why: string }

/** A message that the vendor took and that has not come to its end. */
export interface PolledMessage {
  readonly messageId: string
  /** Our reference of the attempt. */
  readonly reference: string
  readonly acceptedAt: Date
  /** The status is known to the end, and only the dialogue's result is missing. */
  readonly awaitsResultOnly: boolean
}

export interface ProviderAdapter {
  /** Hands one message over. Resolves with one of the three outcomes; a throw counts as in doubt. */
  send(message: OutgoingMessage, connection: ProviderConnection): Promise<SendOutcome>
  /** Asks the vendor whether the credentials work. */
  check(connection: ProviderConnection): Promise<ConnectionCheck[]>
  /** Asks the vendor for the phone number behind the credentials, E.164; undefined when it does not tell. */
  businessPhone(connection: ProviderConnection): Promise<string | undefined>
  /** Is the request authentic for one of these connections' secrets? Constant time, over raw bytes. */
  verify(request: WebhookRequest, connections: readonly ProviderConnection[]): boolean
  /**
   * Reads a verified body into independent parts.
   * @param connections those that the URL stands for
   * @param receivedAt when it came first; the same however often it is read
   * @throws {SyntaxError} when the body as a whole cannot be read
   */
  parse(body: Buffer, connections: readonly ProviderConnection[], receivedAt: Date): InboundEvent[]
  /** Looks for a message by the reference that was given with it. Only where `capabilities.looksUp`. */
  lookUp?(reference: string, connection: ProviderConnection): Promise<LookUp>
  /**
   * Asks what became of messages, at most {@link maxPolled} at once. What is not known there yet is left out; a call
   * that failed brings nothing. Only where `capabilities.looksUp`.
   */
  poll?(messages: readonly PolledMessage[], connection: ProviderConnection, now: Date): Promise<InboundEvent[]>
  /** Reads all templates, or those of one name; over within five minutes, well or not. Only where `capabilities.managesTemplates`. */
  listTemplates?(connection: ProviderConnection, name?: string): Promise<TemplateList>
  /** Creates one template; one that exists is left alone. Only where `capabilities.managesTemplates`. */
  registerTemplate?(form: RegistrationForm, connection: ProviderConnection): Promise<Registration>
  /** Asks for webhooks about the connection's account; resolves with why that failed. Only where `capabilities.subscribes`. */
  subscribe?(connection: ProviderConnection): Promise<Failure | undefined>
}

/** Messages in one {@link ProviderAdapter.poll}. */
export const maxPolled = 50

/** One setting of an adapter for the whole installation: drives the reading of the environment, and its documentation. */
export interface ProviderSetting {
  /** The environment variable, in capitals. */
  readonly variable: string
  readonly help: string
  readonly default: string
  /** Absent: it is an http or https URL. */
  readonly pattern?: RegExp
}

/** What a provider takes from the environment. */
export interface ProviderEnvironment {
  readonly settings: Readonly<Record<string, ProviderSetting>>
  /** Variables of the platform's own connection: credential -> variable, and what else describes it. */
  readonly platform?: {
    readonly credentials: Readonly<Record<string, string>>
    readonly businessPhone: string
    readonly verifyToken: string
  }
  /** Further paths of the platform's webhook, for set-ups that already point there. */
  readonly webhookAliases?: readonly string[]
}

/** One provider: everything that the registry needs to know. */
export interface ProviderDefinition {
  readonly id: string
  readonly name: string
  readonly capabilities: Capabilities
  readonly credentialFields: readonly CredentialField[]
  /** What a connection says of each template, where templates are `mapped`. */
  readonly templateFields?: readonly TemplateField[]
  /**
   * The credential that names our sender inside webhooks (Meta: the phone number id); absent = webhooks name none, which
   * only a URL of the connection's own allows. What names another sender is parked.
   */
  readonly senderIdField?: string
  /**
   * What shows that a number belongs to whoever entered it: `check`, a finding that says so (`provesNumber`); `send`, each
   * message that is taken, where the call itself names the number. Absent: nothing does, and a number is held by whoever
   * entered it first.
   */
  readonly numberProof?: readonly ('check' | 'send')[]
  /** The credential that names the business account, to which news about templates and restrictions is addressed. */
  readonly vendorAccountIdField?: string
  /** Further paths below a connection's webhook URL, for other callers at the vendor; answered `{"ok":true}`. */
  readonly webhookSubpaths?: readonly string[]
  /** How long the vendor tries to deliver a message whose template names no lifetime of its own. */
  readonly messageLifetimeMs: number
  readonly environment: ProviderEnvironment
  readonly defaultLimits: { readonly messagesPerSecond: number; readonly concurrency: number }
  /** To one recipient: one message per `everyMs` in the long run, `burst` of them at once. */
  readonly pairLimit: { readonly everyMs: number; readonly burst: number }
  createAdapter(deps: {
    readonly http: HttpClient
    readonly settings: Readonly<Record<string, string>>
  }): ProviderAdapter
}
