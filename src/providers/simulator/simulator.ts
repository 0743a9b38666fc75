/**
 * Stands in for Meta's WhatsApp Cloud API, for 360dialog, for TWIN, for the platform's NDR API and for the tracking portal,
 * over real HTTP. It checks as strictly as Meta, tells delivery reports by signed webhooks, lies where it is told to, lets customers
 * answer, and keeps the record by which a test judges the gateway.
 */

import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { digitsOf } from '../../core/contract/address.ts'
import { createControl } from './control.ts'
import { createCustomers } from './customers.ts'
import { createDialog360Api } from './dialog360/api.ts'
import { type Channels, createChannels } from './dialog360/channels.ts'
import { createEvents, type Listener } from './events.ts'
import { createGraphApi } from './graph-api.ts'
import { createInbound, type Inbound } from './inbound.ts'
import type {
  Account,
  AccountInput,
  Customer,
  CustomerInput,
  FieldNews,
  NdrScript,
  Rule,
  StatusDelaysMs,
  Template,
} from './inputs.ts'
import { type AcceptedMessage, createLedger, type RequestRecord, type Stats, type WebhookRecord } from './ledger.ts'
import { createLifecycle } from './lifecycle.ts'
import { createPlatform, type Platform } from './platform.ts'
import { createRandom } from './random.ts'
import { createScript } from './script.ts'
import { createSendMessage } from './send-message.ts'
import { createHttpServer } from './server.ts'
import { signedHeaders } from './signed-json.ts'
import { createState } from './state.ts'
import { createTemplateApi } from './template-api.ts'
import { createTimers } from './timers.ts'
import { createTwin24, type TwinSimulator } from './twin24/twin24.ts'
import { type Verification, verifyWebhook } from './verify-webhook.ts'
import { fieldWebhook } from './webhook-bodies.ts'
import { createWebhooks, type WebhookOptions } from './webhooks.ts'

/** The provider whose connections reach the numbers of `addAccount`. */
export const accountsProvider = 'meta'

export interface SimulatorOptions {
  readonly accounts?: readonly AccountInput[]
  /** Of everything drawn by chance. Default 1. */
  readonly seed?: number
  /** Milliseconds from the step before; `null` switches a status off. Default sent 5, delivered 10, read 20. */
  readonly statusDelaysMs?: StatusDelaysMs
  readonly webhooks?: WebhookOptions
  /** How long a created template stays PENDING. Default 0: approved at once. */
  readonly templateApprovalMs?: number
  /** Free text outside the 24-hour window fails with 131047. Default true. */
  readonly enforceWindow?: boolean
  /** Clock of customers' messages and of the window, in epoch milliseconds. Default: the real one. */
  readonly now?: () => number
  /** Off for benchmarks: bodies and texts are not kept. Default true. */
  readonly keepBodies?: boolean
  /** Entries of each kind in the record. Default 20 000, without bodies 200 000. */
  readonly ledgerSize?: number
}

export interface Simulator extends Pick<Inbound, 'tap' | 'say' | 'send'> {
  /** @throws {Error} before `start` */
  readonly url: string
  /** `port` 0 (default) takes a free one; `host` is 127.0.0.1 by default. */
  start(listen?: { port?: number; host?: string }): Promise<Simulator>
  close(): Promise<void>

  /** Adds or replaces; templates are added to those of its WABA. */
  addAccount(account: AccountInput): Account
  account(phoneNumberId: string): Account | undefined
  /** Templates of a WABA. */
  templates(wabaId: string): Template[]
  /** In all its languages; false when there is none. */
  removeTemplate(wabaId: string, name: string): boolean
  /** Does the account's callback URL echo the challenge? */
  verifyWebhook(phoneNumberId: string): Promise<Verification>
  addRule(rule: Rule): void
  rules(): Rule[]
  clearRules(): void
  addCustomer(customer: CustomerInput): void
  customers(): Customer[]
  clearCustomers(): void
  /** Lets free text reach this customer for 24 hours; for all accounts when none is named. */
  openWindow(phone: string, phoneNumberId?: string): void
  scriptNdr(script: NdrScript): void
  /**
   * Sends a webhook of any field, such as `account_update`, for the account of this number; resolves after the first
   * delivery.
   */
  tell(news: FieldNews): Promise<void>

  /** Oldest first; the newest `limit` of them. */
  accepted(limit?: number): AcceptedMessage[]
  requests(limit?: number): RequestRecord[]
  webhooks(limit?: number): WebhookRecord[]
  stats(): Stats
  /** The other provider: TWIN's services under `/twin24/`. */
  readonly twin24: TwinSimulator
  /** Numbers that 360dialog hosts, under `/dialog360/`; rules, customers and the record are those of all numbers. */
  readonly dialog360: Pick<Channels, 'add'>
  ndr: Platform['ndr']
  ndrCalls: Platform['ndrCalls']
  /** Returns the function that ends it. */
  subscribe(listener: Listener): () => void
  /**
   * Resolves when no status, webhook, retry or answer of a customer is due any more.
   * @throws {Error} when that takes longer than `timeoutMs` (default 10 000)
   */
  idle(timeoutMs?: number): Promise<void>
  /** Forgets everything but accounts and templates. */
  reset(): void
}

export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const { keepBodies = true, seed = 1, statusDelaysMs = {}, enforceWindow = true, now = Date.now } = options
  const size = options.ledgerSize ?? (keepBodies ? 20_000 : 200_000)
  const random = createRandom(seed)
  const timers = createTimers()
  const events = createEvents()
  const state = createState(now)
  const ledger = createLedger({ size, keepBodies })
  const platform = createPlatform(events, size)
  const script = createScript(random)
  const channels = createChannels(state)
  const headersOf = (account: Account, body: string) =>
    channels.headersOf(account) ?? signedHeaders(body, account.appSecret)
  const webhooks = createWebhooks({ state, ledger, events, timers, headersOf, options: options.webhooks ?? {} })
  const inbound = createInbound({ state, ledger, webhooks, events, now })
  const customers = createCustomers({ state, inbound, timers })
  const lifecycle = createLifecycle({ state, webhooks, customers, timers, delaysMs: statusDelaysMs, random })
  const sendMessage = createSendMessage({ state, ledger, events, script, lifecycle, enforceWindow })
  const templateApi = createTemplateApi({ state, timers, webhooks, approvalMs: options.templateApprovalMs ?? 0 })
  const graphApi = createGraphApi({ state, sendMessage, templateApi })
  const dialog360Api = createDialog360Api({ state, channels, sendMessage, templateApi })
  const twin24 = createTwin24({ timers, size, stepMs: statusDelaysMs.delivered ?? 10 })
  let url: string | undefined

  const simulator: Simulator = {
    get url() {
      if (url === undefined) throw new Error('the simulator is not started')
      return url
    },
    async start({ port = 0, host = '127.0.0.1' } = {}) {
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
      const address = server.address() as AddressInfo
      url = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${address.port}`
      return simulator
    },
    async close() {
      timers.close()
      webhooks.clear()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await webhooks.close()
    },

    addAccount: state.putAccount,
    account: state.account,
    templates: state.templates,
    removeTemplate: state.removeTemplates,
    verifyWebhook(phoneNumberId) {
      const { webhookUrl = '', verifyToken = '' } = state.account(phoneNumberId) ?? {}
      return verifyWebhook(webhookUrl, verifyToken)
    },
    addRule: script.add,
    rules: script.list,
    clearRules: script.clear,
    addCustomer: customers.add,
    customers: customers.list,
    clearCustomers: customers.clear,
    openWindow(phone, phoneNumberId) {
      const numbers = phoneNumberId ? [phoneNumberId] : state.accounts().map((account) => account.phoneNumberId)
      for (const number of numbers) state.openWindow(number, digitsOf(phone))
    },
    scriptNdr: platform.script,
    async tell({ phoneNumberId, field, value }) {
      const account = phoneNumberId === undefined ? state.accounts()[0] : state.account(phoneNumberId)
      if (!account) throw new Error(`there is no account ${phoneNumberId ?? ''}`)
      await webhooks.sendBody(account, field, fieldWebhook(account, field, value))
    },
    tap: inbound.tap,
    say: inbound.say,
    send: inbound.send,

    accepted: ledger.accepted,
    requests: ledger.requests,
    webhooks: ledger.webhooks,
    stats: () => ledger.stats(webhooks.counts()),
    twin24,
    dialog360: channels,
    ndr: platform.ndr,
    ndrCalls: platform.ndrCalls,
    subscribe: events.subscribe,
    async idle(timeoutMs = 10_000) {
      const deadline = Date.now() + timeoutMs
      while (timers.size + webhooks.counts().pending + inbound.opening() + twin24.pending > 0) {
        if (Date.now() > deadline) throw new Error('the simulator still has work to do')
        await sleep(2)
      }
    },
    reset() {
      for (const part of [timers, webhooks, script, customers, ledger, platform, twin24]) part.clear()
      state.forgetCustomers()
    },
  }

  const server = createHttpServer({
    graphApi,
    control: createControl(simulator),
    platform,
    twin24: twin24.handle,
    dialog360: dialog360Api,
    events,
    ledger,
  })
  for (const account of options.accounts ?? []) state.putAccount(account)
  return simulator
}
