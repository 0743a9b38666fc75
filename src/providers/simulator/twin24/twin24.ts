/**
 * Stands in for TWIN's services under `/twin24/iam`, `/twin24/notify` and `/twin24/analyse`: login, messages, callbacks,
 * statistics, and the bot's dialogue with the customer.
 */

import { digitsOf } from '../../../core/contract/address.ts'
import { type Call, json, type Outcome } from '../answers.ts'
import { fieldsOf, parseJson, textOf } from '../shapes.ts'
import type { Timers } from '../timers.ts'
import { type CallRecord, createCallbacks } from './callbacks.ts'
import { createMessages } from './create-messages.ts'
import {
  type Company,
  type CompanyInput,
  companyInput,
  type ParsedTwinRule,
  type TwinAnswer,
  type TwinRule,
  twinAnswerInput,
  twinRuleInput,
} from './inputs.ts'
import { createQueries } from './queries.ts'
import { createTwinState, type TwinMessage } from './state.ts'

export interface TwinSimulator {
  addCompany(company: CompanyInput): void
  addRule(rule: TwinRule): void
  clearRules(): void
  /** How much later than a message its statistics know of it. */
  lagStatistics(ms: number): void
  /** How often somebody logged in. */
  logins(): number
  /** Oldest first. */
  accepted(): TwinMessage[]
  /** Status callbacks and calls of scenarios, with what they were answered. */
  calls(): CallRecord[]
  /** What the customer's dialogue came to. Resolves with the scenario's call, if it makes one. */
  answer(answer: TwinAnswer): Promise<CallRecord | undefined>
}

export interface TwinPart extends TwinSimulator {
  handle(call: Call): Outcome | Promise<Outcome>
  readonly pending: number
  clear(): void
}

export function createTwin24({ timers, size, stepMs }: { timers: Timers; size: number; stepMs: number }): TwinPart {
  const state = createTwinState(size)
  const callbacks = createCallbacks(size)
  let rules: { rule: ParsedTwinRule; left: number }[] = []
  let lagMs = 0
  let logins = 0
  const queries = createQueries(state, () => lagMs)

  const pick = (phone: string): ParsedTwinRule | undefined => {
    const found = rules.find(
      ({ rule, left }) => left > 0 && (rule.phone === undefined || digitsOf(rule.phone) === phone),
    )
    if (found) found.left--
    return found?.rule
  }
  const creating = { state, callbacks, timers, pick, stepMs }

  const login = ({ body }: Call): Outcome => {
    logins++
    const { email, password, ttl } = fieldsOf(parseJson(body))
    const company = state.companyOf(textOf(email))
    if (!company || company.password !== password) return json(401, { error: 'Wrong email or password.' })
    const token = state.issueToken(company, typeof ttl === 'number' ? ttl : 604_800)
    return json(200, { token, refreshToken: 'not-used' })
  }

  const services: Readonly<
    Record<string, (call: Call, company: Company, token: string) => Outcome | Promise<Outcome>>
  > = {
    'POST /twin24/notify/messages': (call, company, token) => createMessages(creating, call, company, token),
    'GET /twin24/notify/messages': ({ query }, company) => queries.messages(query, company),
    'GET /twin24/analyse/statistics/messaging/messages': ({ query }, company) =>
      queries.messagingStatistics(query, company),
    'GET /twin24/analyse/statistics/chat/sessions': ({ query }, company) => queries.chatSessions(query, company),
  }

  return {
    addCompany: (company) => state.putCompany(companyInput.parse(company)),
    addRule(input) {
      const rule = twinRuleInput.parse(input)
      rules.push({ rule, left: rule.next ?? Number.POSITIVE_INFINITY })
    },
    clearRules() {
      rules = []
    },
    lagStatistics(ms) {
      lagMs = ms
    },
    logins: () => logins,
    accepted: state.messages,
    calls: callbacks.list,
    async answer(input) {
      const { messageId, call, results } = twinAnswerInput.parse(input)
      const message = state.get(messageId)
      if (!message) throw new Error(`TWIN has no message ${messageId}`)
      if (results) message.results = { ...message.results, ...results }
      return call && callbacks.call(message, call)
    },
    handle(call) {
      if (call.path === '/twin24/iam/auth/login' && call.method === 'POST') return login(call)
      const token = call.headers.authorization?.replace(/^Bearer /, '') ?? ''
      const company = state.holderOf(token)
      if (!company) return { ...json(401, { error: 'Token is expired.' }), verdict: 'twin token expired' }
      const service = services[`${call.method} ${call.path}`]
      return service ? service(call, company, token) : json(404, { error: 'Not found' })
    },
    get pending() {
      return callbacks.pending
    },
    clear() {
      rules = []
      lagMs = 0
      logins = 0
      callbacks.clear()
      state.forgetMessages()
    },
  }
}
