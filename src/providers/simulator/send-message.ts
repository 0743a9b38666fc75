/** `POST …/messages`: checks, takes, and lies where the script says so. */

import { setTimeout as sleep } from 'node:timers/promises'
import { digitsOf } from '../../core/contract/address.ts'
import { type Answer, type Call, json, type Outcome, proxyPage, refused } from './answers.ts'
import { refusedInWords } from './dialog360/refusal.ts'
import type { Events } from './events.ts'
import type { GraphProblem } from './graph-errors.ts'
import { newMessageId } from './ids.ts'
import type { Account, Rule } from './inputs.ts'
import type { AcceptedMessage, Ledger } from './ledger.ts'
import type { Lifecycle } from './lifecycle.ts'
import { createPaceLimits } from './pace-limits.ts'
import type { Script } from './script.ts'
import { type Fields, fieldsOf, isFilled, parseJson, textOf } from './shapes.ts'
import type { State } from './state.ts'
import { type ValidMessage, validateMessage } from './validate-message.ts'

interface Deps {
  readonly state: State
  readonly ledger: Ledger
  readonly events: Events
  readonly script: Script
  readonly lifecycle: Lifecycle
  readonly enforceWindow: boolean
}

export type SendMessage = (call: Call, account: Account) => Promise<Outcome>

export function createSendMessage({ state, ledger, events, script, lifecycle, enforceWindow }: Deps): SendMessage {
  const isTooFast = createPaceLimits()

  const refuse = (found: GraphProblem, body: Fields): Answer => {
    ledger.refuse(String(found.code))
    events.emit('refused', { code: found.code, details: found.details, to: textOf(body.to) })
    return refused(found)
  }

  const accept = (valid: ValidMessage, body: Fields, account: Account): AcceptedMessage => {
    const { waId, type, reference, template, text, buttons, byUserId } = valid
    const message: AcceptedMessage = {
      wamid: newMessageId(),
      to: waId,
      ...(reference === undefined ? {} : { reference }),
      phoneNumberId: account.phoneNumberId,
      at: new Date().toISOString(),
      type,
      ...(type === 'template' ? { template: textOf(fieldsOf(body.template).name) } : {}),
      category: template?.category.toLowerCase() ?? (type === 'template' ? 'utility' : 'service'),
      byUserId,
      buttons,
      ...(ledger.keepBodies ? { text, body } : {}),
    }
    ledger.accept(message)
    state.noteSender(waId, account.phoneNumberId)
    events.emit('accepted', { ...message, text })
    return message
  }

  /** Free text outside the 24-hour window is taken and fails later, as at Meta. */
  const failCodeOf = (message: AcceptedMessage, lie: Rule): number | undefined => {
    const isOutside =
      enforceWindow && message.type !== 'template' && !state.windowIsOpen(message.phoneNumberId, message.to)
    return lie.webhooks?.failCode ?? (isOutside ? 131047 : undefined)
  }

  const take = async (valid: ValidMessage, body: Fields, account: Account, lie: Rule): Promise<Outcome> => {
    const message = accept(valid, body, account)
    const begin = () => lifecycle.begin(account, message, lie.webhooks, failCodeOf(message, lie))
    if (lie.webhooks?.beforeAnswer) await begin()
    if (lie.delayMs) await sleep(lie.delayMs, undefined, { ref: false })
    if (!lie.webhooks?.beforeAnswer) void begin()
    const answer = success(message, valid)
    return tellLie(lie, answer) ?? answer
  }

  return async ({ body: text }, account) => {
    const body = fieldsOf(parseJson(text))
    if (body.status === 'read') return markAsRead(body)
    if (isTooFast(account, performance.now())) return refuse({ code: 130429, details: tooFast }, body)
    if (account.phoneFields.status === 'PENDING') return refuse({ code: 133010 }, body)
    const lie = script.pick(askedIn(body, account)) ?? {}
    if (!(lie.accept ?? lie.error === undefined)) {
      if (lie.delayMs) await sleep(lie.delayMs, undefined, { ref: false })
      ledger.refuse(String(lie.error?.code ?? lie.answer ?? 'html'))
      return tellLie(lie) ?? proxyPage(503)
    }
    const result = validateMessage(body, rulesOf(account, state))
    return 'problem' in result ? refuse(result.problem, body) : take(result.message, body, account, lie)
  }
}

const tooFast =
  'Message failed to send because there were too many messages sent from this phone number in a short time'

const rulesOf = (account: Account, state: State) => ({
  senderDigits: digitsOf(account.displayPhoneNumber),
  strictTemplates: account.strictTemplates,
  findTemplate: (name: string, language: string) => state.findTemplate(account.wabaId, name, language),
})

const askedIn = (body: Fields, account: Account) => ({
  waId: digitsOf(textOf(body.to)),
  phoneNumberId: account.phoneNumberId,
  template: textOf(fieldsOf(body.template).name),
})

const markAsRead = (body: Fields): Answer =>
  isFilled(body.message_id)
    ? json(200, { success: true })
    : refused({ code: 131008, details: "Parameter 'message_id' is mandatory for status 'read'" })

function success({ wamid, to }: AcceptedMessage, { input, byUserId, type }: ValidMessage): Answer {
  const answer = {
    messaging_product: 'whatsapp',
    contacts: [byUserId ? { input, user_id: input } : { input, wa_id: to }],
    messages: [{ id: wamid, ...(type === 'template' ? { message_status: 'accepted' } : {}) }],
  }
  return { ...json(200, answer), verdict: 'accepted' }
}

/** What the caller is told instead of the truth, if the rule says so. `truth` is there when the message was taken. */
function tellLie(lie: Rule, truth?: Answer): Outcome | undefined {
  const verdict = `${truth ? 'accepted, ' : ''}lie ${lie.error ? errorName(lie.error) : lie.answer}`
  if (lie.error) return { ...errorAnswer(lie.error), verdict }
  switch (lie.answer) {
    case 'bad_gateway':
      return { ...proxyPage(502), verdict }
    case 'reset':
    case 'hang':
      return { instead: lie.answer, verdict }
    case 'no_id':
      return { ...json(200, { messaging_product: 'whatsapp', contacts: [], messages: [] }), verdict }
    case 'garbage':
      return { ...json(200, null), body: '{"messaging_product":"whatsapp","contacts":[{"inp', verdict }
    default:
      return undefined
  }
}

function refusalOf({ http, code, subcode, details, words }: Omit<NonNullable<Rule['error']>, 'retryAfterS'>): Answer {
  if (code !== undefined) return refused({ code, subcode, details, http })
  return words === undefined ? proxyPage(http ?? 503) : refusedInWords(http ?? 400, words)
}

const errorName = ({ http, code }: NonNullable<Rule['error']>): string => `${http ?? ''}/${code ?? 'html'}`

function errorAnswer({ retryAfterS, ...error }: NonNullable<Rule['error']>): Answer {
  const answer = refusalOf(error)
  return retryAfterS === undefined ? answer : { ...answer, headers: { 'retry-after': String(retryAfterS) } }
}
