/** What customers send: taps, texts, anything. */

import { digitsOf } from '../../core/contract/address.ts'
import type { Events } from './events.ts'
import { newMessageId, userIdOf } from './ids.ts'
import {
  type Account,
  type SayOptions,
  sayOptions,
  type TapChoice,
  type TapOptions,
  tapChoice,
  tapOptions,
} from './inputs.ts'
import type { AcceptedMessage, Ledger } from './ledger.ts'
import { openLink } from './open-link.ts'
import type { Fields } from './shapes.ts'
import type { State } from './state.ts'
import type { Tappable } from './tappable.ts'
import { contactOf, seconds } from './webhook-bodies.ts'
import type { Webhooks } from './webhooks.ts'

export interface Inbound {
  /**
   * The customer taps a button of a message that was accepted; a link is opened instead.
   * Resolves with the ids of the customer's messages, after their first delivery.
   * @throws {Error} when the message or its button is not known
   */
  tap(messageId: string, choice: TapChoice, options?: TapOptions): Promise<string[]>
  /** How many links are being opened. */
  opening(): number
  tapButton(message: AcceptedMessage, button: Tappable, options: TapOptions): Promise<string[]>
  /** The customer types a text. Resolves with its id. */
  say(phone: string, text: string, options?: SayOptions): Promise<string>
  /** The customer sends anything: an object with `type` and the field of that name. Resolves with its id. */
  send(phone: string, message: Fields, options?: SayOptions): Promise<string>
}

/** The button that is meant, if there is one. A number is an index, a string a title or part of a payload. */
export function findTappable(buttons: readonly Tappable[], choice: TapChoice | string | number): Tappable | undefined {
  if (typeof choice === 'number') return buttons[choice]
  if (typeof choice === 'string') return findTappable(buttons, { title: choice, payload: choice })
  const { index, title, payload } = choice
  if (index !== undefined) return buttons[index]
  return (
    buttons.find((button) => button.title.toLowerCase() === title?.toLowerCase()) ??
    buttons.find((button) => payload !== undefined && button.payload.includes(payload))
  )
}

/** The fields of the inbound message that a tap sends. */
function tapFields({ kind, title, payload, description }: Tappable): Fields {
  if (kind === 'button') return { type: 'button', button: { payload, text: title } }
  const reply = { id: payload, title, ...(description ? { description } : {}) }
  return { type: 'interactive', interactive: { type: kind, [kind]: reply } }
}

interface Deps {
  readonly state: State
  readonly ledger: Ledger
  readonly webhooks: Webhooks
  readonly events: Events
  readonly now: () => number
}

export function createInbound({ state, ledger, webhooks, events, now }: Deps): Inbound {
  let opening = 0

  const accountFor = (waId: string, phoneNumberId: string | undefined): Account => {
    const account = phoneNumberId === undefined ? state.senderTo(waId) : state.account(phoneNumberId)
    if (!account) throw new Error(`no account ${phoneNumberId ?? ''} to write to`)
    return account
  }

  const contextOf = (account: Account, messageId: string | undefined): Fields =>
    messageId === undefined ? {} : { context: { from: digitsOf(account.displayPhoneNumber), id: messageId } }

  const send = async (phone: string, message: Fields, options: SayOptions = {}): Promise<string> => {
    const waId = digitsOf(phone)
    const { contextMessageId, phoneNumberId, duplicates } = sayOptions.parse(options)
    const account = accountFor(waId, phoneNumberId)
    const id = newMessageId()
    const origin = { from: waId, from_user_id: userIdOf(waId), id, timestamp: seconds(now()) }
    const full = { ...contextOf(account, contextMessageId), ...origin, ...message }
    if (message.type !== 'system') state.openWindow(account.phoneNumberId, waId)
    events.emit('inbound', { phoneNumberId: account.phoneNumberId, message: full })
    const contact = message.type === 'system' ? {} : { contact: contactOf(waId, state.nameOf(waId)) }
    const part = { kind: String(message.type), ...contact, message: full }
    await webhooks.send(account, [part], duplicates)
    return id
  }

  const open = async (message: AcceptedMessage, link: Tappable): Promise<string[]> => {
    opening++
    const pages = await openLink(link.payload)
    opening--
    events.emit('tap', { wamid: message.wamid, to: message.to, title: link.title, pages })
    return []
  }

  const tapButton: Inbound['tapButton'] = async (message, button, options) => {
    if (button.kind === 'link') return open(message, button)
    const { withoutContext, times = 1, duplicates } = options
    const { wamid, to, phoneNumberId } = message
    const context = withoutContext ? {} : { contextMessageId: wamid }
    const ids: string[] = []
    for (let count = 0; count < times; count++) {
      events.emit('tap', { wamid, to, title: button.title, payload: button.payload })
      ids.push(await send(to, tapFields(button), { ...context, duplicates, phoneNumberId }))
    }
    return ids
  }

  const tap: Inbound['tap'] = async (messageId, choice, options = {}) => {
    const message = ledger.find(messageId)
    if (!message) throw new Error(`no message ${messageId}`)
    const button = findTappable(message.buttons, tapChoice.parse(choice))
    if (!button) throw new Error('the message has no such button')
    return tapButton(message, button, tapOptions.parse(options))
  }

  return {
    send,
    tap,
    tapButton,
    opening: () => opening,
    say: (phone, text, options) => send(phone, { text: { body: text }, type: 'text' }, options),
  }
}
