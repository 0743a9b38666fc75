/** Tells statuses to the callback URL, once each and without a retry, and calls the gateway as a scenario would. */

import { request } from 'undici'
import { createRing } from '../bounded.ts'
import type { ParsedTwinRule } from './inputs.ts'
import { statusCodeOf, type TwinMessage } from './state.ts'

export interface CallRecord {
  readonly at: string
  readonly kind: 'status' | 'scenario'
  readonly messageId: string
  readonly body: string
  readonly status?: number
  readonly error?: string
}

export type CallbackLies = NonNullable<ParsedTwinRule['callbacks']>

export interface Callbacks {
  /** Resolves when it was answered, or could not be delivered. */
  tell(message: TwinMessage, oldStatus: string, newStatus: string, lies?: CallbackLies): Promise<void>
  /** A scenario's block "request to the server". */
  call(message: TwinMessage, body: Readonly<Record<string, unknown>>): Promise<CallRecord>
  list(): CallRecord[]
  readonly pending: number
  clear(): void
}

const timeoutMs = 5_000

export function createCallbacks(size: number): Callbacks {
  const calls = createRing<CallRecord>(size)
  let pending = 0

  const post = async (
    kind: CallRecord['kind'],
    message: TwinMessage,
    url: string,
    body: string,
  ): Promise<CallRecord> => {
    pending++
    const facts = { at: new Date().toISOString(), kind, messageId: message.id, body }
    const record = await attempt(url, body).then(
      (status) => ({ ...facts, status }),
      (error: unknown) => ({ ...facts, error: String(error) }),
    )
    pending--
    calls.push(record)
    return record
  }

  return {
    async tell(message, oldStatus, newStatus, lies = {}) {
      if (!message.callbackUrl || lies.suppress?.includes(newStatus)) return
      const body = shaped(statusBody(message, oldStatus, newStatus), lies.shape)
      for (let copy = 0; copy < (lies.duplicates ?? 1); copy++) await post('status', message, message.callbackUrl, body)
    },
    call(message, body) {
      const url = `${message.callbackUrl ?? ''}/actions`
      return post('scenario', message, url, JSON.stringify({ ref: message.variables.ref, ...body }))
    },
    list: () => calls.list(),
    get pending() {
      return pending
    },
    clear: () => calls.clear(),
  }
}

async function attempt(url: string, body: string): Promise<number> {
  const isForm = !/^[[{]/.test(body)
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json' },
    body,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })
  await answer.body.dump()
  return answer.statusCode
}

const statusBody = (message: TwinMessage, oldStatus: string, newStatus: string) => ({
  id: message.id,
  bulkId: message.bulkId,
  groupId: message.groupId,
  flowId: message.flowId,
  oldStatus,
  newStatus,
  oldStatusCode: statusCodeOf(oldStatus),
  newStatusCode: statusCodeOf(newStatus),
  price: 0,
  partCount: 1,
  callbackData: message.callbackData ?? null,
})

function shaped(status: ReturnType<typeof statusBody>, shape: CallbackLies['shape'] = 'object'): string {
  switch (shape) {
    case 'object':
      return JSON.stringify(status)
    case 'list':
      return JSON.stringify([status])
    case 'wrapped':
      return JSON.stringify({ messages: [status] })
    case 'form':
      return formOf(status)
  }
}

const formOf = (fields: object): string => {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value ?? ''))
  return form.toString()
}
