/** What the simulated Meta knows: accounts, templates, subscriptions, open 24-hour windows. */

import { digitsOf } from '../../core/contract/address.ts'
import { setBounded } from './bounded.ts'
import { newObjectId } from './ids.ts'
import {
  type Account,
  type AccountInput,
  accountInput,
  type Template,
  type TemplateInput,
  templateInput,
} from './inputs.ts'

const windowMs = 24 * 3_600_000
const maxPairs = 1_000_000

interface Waba {
  readonly templates: Map<string, Template>
  subscribed: boolean
}

const templateKey = (name: string, language: string): string => `${language}/${name}`

export type State = ReturnType<typeof createState>

export function createState(now: () => number = Date.now) {
  const accounts = new Map<string, Account>()
  const wabas = new Map<string, Waba>()
  const tokens = new Set<string>()
  const windows = new Map<string, number>()
  const lastSenders = new Map<string, string>()
  const names = new Map<string, string>()

  const wabaOf = (wabaId: string): Waba => {
    const waba = wabas.get(wabaId) ?? { templates: new Map(), subscribed: true }
    wabas.set(wabaId, waba)
    return waba
  }

  const putTemplate = (wabaId: string, input: TemplateInput): Template => {
    const { templates } = wabaOf(wabaId)
    const key = templateKey(input.name, input.language)
    const template = { ...templateInput.parse(input), id: input.id ?? templates.get(key)?.id ?? newObjectId() }
    templates.set(key, template)
    return template
  }

  /** @throws {ZodError} when the input has a wrong or unknown field */
  const putAccount = (input: AccountInput): Account => {
    const { templates, subscribed, ...account } = accountInput.parse(input)
    accounts.set(account.phoneNumberId, account)
    wabaOf(account.wabaId).subscribed = subscribed
    for (const template of templates) putTemplate(account.wabaId, template)
    tokens.clear()
    for (const known of accounts.values()) tokens.add(known.accessToken)
    return account
  }

  return {
    putAccount,
    putTemplate,
    account: (phoneNumberId: string) => accounts.get(phoneNumberId),
    accounts: () => [...accounts.values()],
    accountsOf: (wabaId: string) => [...accounts.values()].filter((account) => account.wabaId === wabaId),
    isToken: (token: string) => tokens.has(token),
    templates: (wabaId: string) => [...(wabas.get(wabaId)?.templates.values() ?? [])],
    findTemplate: (wabaId: string, name: string, language: string) =>
      wabas.get(wabaId)?.templates.get(templateKey(name, language)),
    removeTemplates(wabaId: string, name: string): boolean {
      const { templates } = wabaOf(wabaId)
      const found = [...templates].filter(([, template]) => template.name === name)
      for (const [key] of found) templates.delete(key)
      return found.length > 0
    },
    isSubscribed: (wabaId: string) => wabas.get(wabaId)?.subscribed ?? false,
    subscribe(wabaId: string, subscribed: boolean) {
      wabaOf(wabaId).subscribed = subscribed
    },

    openWindow: (phoneNumberId: string, waId: string) =>
      setBounded(windows, `${phoneNumberId}/${waId}`, now() + windowMs, maxPairs),
    windowIsOpen: (phoneNumberId: string, waId: string) => (windows.get(`${phoneNumberId}/${waId}`) ?? 0) > now(),
    noteSender: (waId: string, phoneNumberId: string) => setBounded(lastSenders, waId, phoneNumberId, maxPairs),
    /** The account whose number wrote last to a customer, else the first one. */
    senderTo: (waId: string): Account | undefined =>
      accounts.get(lastSenders.get(waId) ?? '') ?? accounts.values().next().value,
    nameOf: (waId: string) => names.get(waId) ?? 'Asha Nair',
    nameCustomer: (phone: string, name: string) => setBounded(names, digitsOf(phone), name, maxPairs),
    forgetCustomers() {
      windows.clear()
      lastSenders.clear()
      names.clear()
    },
  }
}
