/** Sends webhooks: in bounded concurrency, in batches if wanted, again if not answered 200. */

import { Agent, request } from 'undici'
import type { Events } from './events.ts'
import type { Account } from './inputs.ts'
import type { Ledger, Stats } from './ledger.ts'
import { metaJson } from './signed-json.ts'
import type { State } from './state.ts'
import type { Timers } from './timers.ts'
import { messagesWebhook, type WebhookPart } from './webhook-bodies.ts'

export interface WebhookOptions {
  /** Deliveries in flight at once. Default 64. */
  readonly concurrency?: number
  /** Deliveries of one body before it is given up. Default 12. */
  readonly attempts?: number
  /** Wait before the second delivery; doubled each time. Default 200. */
  readonly retryBaseMs?: number
  /** Default 10 000. */
  readonly retryMaxMs?: number
  /** Default 10 000. */
  readonly timeoutMs?: number
  /** Statuses of one number in a POST, at most. Default 1. */
  readonly batchSize?: number
  /** How long a batch waits to be filled. Default 20. */
  readonly batchWaitMs?: number
}

export interface Webhooks {
  /** Sends at once; resolves after the first delivery, however it ended. */
  send(account: Account, parts: readonly WebhookPart[], copies?: number): Promise<void>
  /** Sends a status, perhaps together with others. */
  sendStatus(account: Account, part: WebhookPart, copies?: number): void
  sendBody(account: Account, kind: string, body: object): Promise<void>
  counts(): Stats['webhooks']
  clear(): void
  close(): Promise<void>
}

interface Job {
  readonly account: Account
  readonly kinds: readonly string[]
  readonly body: string
  attempt: number
  firstDone(): void
}

interface Deps {
  readonly state: State
  readonly ledger: Ledger
  readonly events: Events
  readonly timers: Timers
  /** What shows whom a webhook with this body is from. */
  readonly headersOf: (account: Account, body: string) => Readonly<Record<string, string>>
  readonly options: WebhookOptions
}

export function createWebhooks({ state, ledger, events, timers, headersOf, options }: Deps): Webhooks {
  const { concurrency = 64, attempts = 12, retryBaseMs = 200, retryMaxMs = 10_000, timeoutMs = 10_000 } = options
  const { batchSize = 1, batchWaitMs = 20 } = options
  const agent = new Agent({ connections: concurrency, headersTimeout: timeoutMs, bodyTimeout: timeoutMs })
  const batches = new Map<string, WebhookPart[]>()
  let queue: Job[] = []
  let head = 0
  let inFlight = 0
  let counts = { sent: 0, failed: 0, open: 0, attempts: 0 }
  let round = 0

  const push = (job: Job): void => {
    queue.push(job)
    pump()
  }

  const pump = (): void => {
    while (inFlight < concurrency && head < queue.length) {
      const job = queue[head++]
      if (job) void run(job)
    }
    if (head > 1000 && head * 2 > queue.length) {
      queue = queue.slice(head)
      head = 0
    }
  }

  const run = async (job: Job): Promise<void> => {
    const startedIn = round
    inFlight++
    const answer = await post(job)
    inFlight--
    if (startedIn === round) settle(job, answer)
    job.firstDone()
    pump()
  }

  /** Only 200 counts as taken, at Meta and at 360dialog. */
  const settle = (job: Job, answer: { status?: number; error?: string }): void => {
    record(job, answer)
    if (answer.status === 200 || job.attempt >= attempts) {
      counts.open--
      counts[answer.status === 200 ? 'sent' : 'failed']++
      return
    }
    const waitMs = Math.min(retryMaxMs, retryBaseMs * 2 ** (job.attempt - 1))
    job.attempt++
    timers.after(waitMs, () => push(job))
  }

  const record = (job: Job, answer: { status?: number; error?: string }): void => {
    counts.attempts++
    const { kinds, attempt, account, body } = job
    const entry = { kinds, attempt, phoneNumberId: account.phoneNumberId, url: account.webhookUrl ?? '', ...answer }
    ledger.webhook({ at: new Date().toISOString(), ...entry, ...(ledger.keepBodies ? { body } : {}) })
    events.emit('webhook', entry)
  }

  const post = async ({ account, body }: Job): Promise<{ status?: number; error?: string }> => {
    const current = state.account(account.phoneNumberId) ?? account
    try {
      const response = await request(current.webhookUrl ?? '', {
        method: 'POST',
        dispatcher: agent,
        headers: { 'content-type': 'application/json', ...headersOf(current, body) },
        body,
      })
      await response.body.dump()
      return { status: response.statusCode }
    } catch (error) {
      return { error: error instanceof Error ? error.message || error.name : String(error) }
    }
  }

  /** Without a URL or a subscription nothing is sent, and nobody is told: as at Meta. */
  const isListening = (account: Account): boolean =>
    account.webhookUrl !== undefined && state.isSubscribed(account.wabaId)

  const deliver = (account: Account, kinds: readonly string[], body: object, copies: number): Promise<void> => {
    const text = metaJson(body)
    const deliveries = Array.from({ length: copies + 1 }, () => {
      counts.open++
      return new Promise<void>((firstDone) => push({ account, kinds, body: text, attempt: 1, firstDone }))
    })
    return Promise.all(deliveries).then(() => undefined)
  }

  const send = (account: Account, parts: readonly WebhookPart[], copies = 0): Promise<void> =>
    isListening(account)
      ? deliver(
          account,
          parts.map(({ kind }) => kind),
          messagesWebhook(account, parts),
          copies,
        )
      : Promise.resolve()

  const flush = (account: Account): void => {
    const parts = batches.get(account.phoneNumberId) ?? []
    batches.delete(account.phoneNumberId)
    if (parts.length > 0) void send(account, parts)
  }

  return {
    send,
    sendBody: (account, kind, body) => (isListening(account) ? deliver(account, [kind], body, 0) : Promise.resolve()),
    sendStatus(account, part, copies = 0) {
      if (batchSize <= 1 || copies > 0) return void send(account, [part], copies)
      const batch = batches.get(account.phoneNumberId) ?? []
      if (batch.length === 0) {
        batches.set(account.phoneNumberId, batch)
        timers.after(batchWaitMs, () => flush(account))
      }
      if (batch.push(part) >= batchSize) flush(account)
    },
    counts: () => ({ sent: counts.sent, failed: counts.failed, pending: counts.open, attempts: counts.attempts }),
    clear() {
      round++
      batches.clear()
      for (const job of queue.slice(head)) job.firstDone()
      queue = []
      head = 0
      counts = { sent: 0, failed: 0, open: 0, attempts: 0 }
    },
    close: () => agent.destroy(),
  }
}
