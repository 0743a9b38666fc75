/** What TWIN knows: companies, tokens, messages. */

import { randomUUID } from 'node:crypto'
import { setBounded } from '../bounded.ts'
import type { Company } from './inputs.ts'

export interface TwinMessage {
  readonly id: string
  readonly company: Company
  readonly bulkId: string
  readonly groupId: string
  readonly flowId: string
  readonly phone: string
  readonly chatId: string
  readonly botId: string
  readonly chatSessionName: string
  readonly variables: Readonly<Record<string, unknown>>
  readonly callbackUrl: string | undefined
  readonly callbackData: string | undefined
  /** Id of the chat session that it started (`providerMessageId`). */
  readonly sessionId: string
  readonly createdAt: string
  status: string
  description: string | null
  deliveredAt: string | null
  results: Readonly<Record<string, string>>
}

export interface TwinState {
  putCompany(company: Company): void
  companyOf(email: string): Company | undefined
  /** A token for so many seconds. */
  issueToken(company: Company, ttlSeconds: number): string
  /** Whose token it is; undefined when it has ended. */
  holderOf(token: string): Company | undefined
  endToken(token: string): void
  add(message: TwinMessage): void
  /** Oldest first. */
  messages(): TwinMessage[]
  get(id: string): TwinMessage | undefined
  forgetMessages(): void
}

/** Numbers of a status: two are known of the real ones; the others are only here. */
const statusCodes: Readonly<Record<string, number>> = { CREATED: 1, PENDING: 2, DELIVERED: 6, UNDELIVERED: 7, ERROR: 8 }

export const statusCodeOf = (status: string): number => statusCodes[status] ?? 99

export function createTwinState(size: number): TwinState {
  const companies = new Map<string, Company>()
  const tokens = new Map<string, { company: Company; endsAtMs: number }>()
  const messages = new Map<string, TwinMessage>()
  return {
    putCompany: (company) => void companies.set(company.email, company),
    companyOf: (email) => companies.get(email),
    issueToken(company, ttlSeconds) {
      const endsAtMs = Date.now() + Math.min(ttlSeconds, company.tokenTtlSeconds) * 1_000
      const claims = Buffer.from(JSON.stringify({ exp: endsAtMs / 1_000 })).toString('base64url')
      const token = `eyJhbGciOiJub25lIn0.${claims}.${randomUUID()}`
      setBounded(tokens, token, { company, endsAtMs }, size)
      return token
    },
    holderOf(token) {
      const found = tokens.get(token)
      return found && Date.now() < found.endsAtMs ? found.company : undefined
    },
    endToken: (token) => void tokens.delete(token),
    add: (message) => setBounded(messages, message.id, message, size),
    messages: () => [...messages.values()],
    get: (id) => messages.get(id),
    forgetMessages: () => messages.clear(),
  }
}
