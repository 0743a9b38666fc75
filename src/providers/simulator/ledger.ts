/** The judge's record: what was asked, what was taken, what was told. Bounded. */

import { createRing, setBounded } from './bounded.ts'
import type { Tappable } from './tappable.ts'

export interface RequestRecord {
  readonly at: string
  readonly method: string
  readonly path: string
  /** `accepted`, `refused <code>`, `ok`, or the lie that was told, e.g. `lie 429/130429`, `accepted, lie reset`. */
  readonly verdict: string
  readonly body?: unknown
}

export interface AcceptedMessage {
  readonly wamid: string
  /** Digits of the customer's phone. */
  readonly to: string
  /** What came as `biz_opaque_callback_data`. */
  readonly reference?: string
  readonly phoneNumberId: string
  /** ISO 8601, UTC. */
  readonly at: string
  readonly type: string
  readonly template?: string
  /** Template category in lower case, or `service`. */
  readonly category: string
  readonly byUserId: boolean
  readonly buttons: readonly Tappable[]
  /** What the customer reads; absent with `keepBodies: false`, like `body`. */
  readonly text?: string
  readonly body?: unknown
}

export interface WebhookRecord {
  readonly at: string
  /** What it carries: `sent`, `delivered`, `read`, `failed`, `button`, `text`, ... */
  readonly kinds: readonly string[]
  readonly phoneNumberId: string
  readonly url: string
  /** 1 for the first delivery of this body. */
  readonly attempt: number
  /** HTTP status of the answer; absent when there was none. */
  readonly status?: number
  readonly error?: string
  readonly body?: string
}

export interface Stats {
  readonly requests: number
  readonly accepted: number
  /** Code (or `html`) -> count. */
  readonly refused: Readonly<Record<string, number>>
  /** Most messages accepted for one recipient, and for one reference: above 1 somebody was told twice. */
  readonly maxAcceptedPerRecipient: number
  readonly maxAcceptedPerReference: number
  readonly recipients: number
  readonly webhooks: {
    readonly sent: number
    readonly failed: number
    readonly pending: number
    readonly attempts: number
  }
}

export type Ledger = ReturnType<typeof createLedger>

const maxCounted = 1_000_000

function createCounter() {
  const counts = new Map<string, number>()
  let max = 0
  return {
    add(key: string) {
      const count = (counts.get(key) ?? 0) + 1
      setBounded(counts, key, count, maxCounted)
      if (count > max) max = count
    },
    clear() {
      counts.clear()
      max = 0
    },
    get max() {
      return max
    },
    get size() {
      return counts.size
    },
    entries: () => Object.fromEntries(counts),
  }
}

/** @param size how many entries of each kind are kept, the newest */
export function createLedger({ size, keepBodies }: { size: number; keepBodies: boolean }) {
  const requests = createRing<RequestRecord>(size)
  const webhooks = createRing<WebhookRecord>(size)
  const accepted = new Map<string, AcceptedMessage>()
  const perRecipient = createCounter()
  const perReference = createCounter()
  const refused = createCounter()
  let counts = { requests: 0, accepted: 0 }

  return {
    keepBodies,
    request(record: RequestRecord) {
      counts.requests++
      requests.push(record)
    },
    accept(message: AcceptedMessage) {
      counts.accepted++
      setBounded(accepted, message.wamid, message, size)
      perRecipient.add(message.to)
      if (message.reference !== undefined) perReference.add(message.reference)
    },
    refuse: (code: string) => refused.add(code),
    webhook: (record: WebhookRecord) => webhooks.push(record),
    find: (wamid: string) => accepted.get(wamid),
    accepted: (limit = size) => (limit <= 0 ? [] : [...accepted.values()].slice(-limit)),
    requests: requests.list,
    webhooks: webhooks.list,
    stats: (sending: Stats['webhooks']): Stats => ({
      ...counts,
      refused: refused.entries(),
      maxAcceptedPerRecipient: perRecipient.max,
      maxAcceptedPerReference: perReference.max,
      recipients: perRecipient.size,
      webhooks: sending,
    }),
    clear() {
      counts = { requests: 0, accepted: 0 }
      for (const store of [requests, webhooks, accepted, perRecipient, perReference, refused]) store.clear()
    },
  }
}
