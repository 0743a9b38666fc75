/** Customers that answer by themselves. */

import { digitsOf } from '../../core/contract/address.ts'
import { findTappable, type Inbound } from './inbound.ts'
import { type Customer, type CustomerInput, customerInput } from './inputs.ts'
import type { AcceptedMessage } from './ledger.ts'
import type { State } from './state.ts'
import type { Timers } from './timers.ts'

export interface Customers {
  /** @throws {ZodError} when the rule has a wrong or unknown field */
  add(rule: CustomerInput): void
  list(): Customer[]
  clear(): void
  isEmpty(): boolean
  /** Who answers this message, if anybody: the first rule that fits, used up by it if it has `next`. */
  choose(message: AcceptedMessage): Customer | undefined
  /** Answers, after the rule's own delay. */
  answer(rule: Customer, message: AcceptedMessage): void
}

interface Entry {
  readonly rule: Customer
  readonly waId: string | undefined
  left: number
}

interface Deps {
  readonly state: State
  readonly inbound: Inbound
  readonly timers: Timers
}

export function createCustomers({ state, inbound, timers }: Deps): Customers {
  let entries: Entry[] = []

  const fits = ({ rule, waId, left }: Entry, message: AcceptedMessage): boolean =>
    left > 0 &&
    (waId === undefined || waId === message.to) &&
    (rule.when === 'any' || rule.when === message.type || rule.when === message.template) &&
    (rule.tap === undefined || findTappable(message.buttons, rule.tap) !== undefined)

  const reply = async (rule: Customer, message: AcceptedMessage): Promise<void> => {
    const said = { phoneNumberId: message.phoneNumberId }
    const { tap, withoutContext, times } = rule
    const button = tap === undefined ? undefined : findTappable(message.buttons, tap)
    if (button) await inbound.tapButton(message, button, { withoutContext, times })
    if (rule.message) await inbound.send(message.to, rule.message, said)
    const texts = [rule.text ?? []].flat()
    texts.forEach((text, index) => {
      timers.after(index * rule.afterMs, () => void inbound.say(message.to, text, said))
    })
  }

  return {
    add(input) {
      const rule = customerInput.parse(input)
      const waId = rule.phone === '*' ? undefined : digitsOf(rule.phone)
      if (rule.name !== undefined) state.nameCustomer(rule.phone, rule.name)
      entries.push({ rule, waId, left: rule.next ?? Number.POSITIVE_INFINITY })
    },
    list: () => entries.filter(({ left }) => left > 0).map(({ rule }) => rule),
    clear() {
      entries = []
    },
    isEmpty: () => entries.length === 0,
    choose(message) {
      const found = entries.find((entry) => fits(entry, message))
      if (found) found.left--
      return found?.rule
    },
    answer: (rule, message) => timers.after(rule.afterMs, () => void reply(rule, message)),
  }
}
