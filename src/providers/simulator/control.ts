/** The control endpoints under `/_sim/`: set up, script, act, and read the judge's record. */

import { z } from 'zod'
import { type Answer, type Call, json } from './answers.ts'
import type { ChannelInput } from './dialog360/inputs.ts'
import {
  type AccountInput,
  type CustomerInput,
  fieldNewsInput,
  type NdrScript,
  type Rule,
  sayOptions,
  tapChoice,
  tapOptions,
} from './inputs.ts'
import { parseJson } from './shapes.ts'
import type { Simulator } from './simulator.ts'
import type { CompanyInput, TwinAnswer, TwinRule } from './twin24/inputs.ts'

type Control = Omit<Simulator, 'start' | 'close' | 'url'>
type Handler = (call: Call) => Answer | Promise<Answer>

const tapInput = z.strictObject({ messageId: z.string(), ...tapChoice.shape, ...tapOptions.shape })
const sayInput = z.strictObject({
  phone: z.string(),
  text: z.string().optional(),
  /** Instead of `text`: any message, as in a webhook. */
  message: z.record(z.string(), z.unknown()).optional(),
  ...sayOptions.shape,
})

const ok = json(200, { ok: true })
const limitOf = ({ query }: Call): number | undefined => {
  const limit = query.get('limit')
  return limit === null ? undefined : Math.max(0, Number(limit) || 0)
}

/** `METHOD name` -> handler. */
const routesOf = (simulator: Control): Readonly<Record<string, Handler>> => ({
  'GET health': () => ok,
  'GET accepted': (call) => json(200, { items: simulator.accepted(limitOf(call)) }),
  'GET requests': (call) => json(200, { items: simulator.requests(limitOf(call)) }),
  'GET webhooks': (call) => json(200, { items: simulator.webhooks(limitOf(call)) }),
  'GET stats': () => json(200, simulator.stats()),
  'GET ndr': () => json(200, { items: simulator.ndr(), calls: simulator.ndrCalls() }),
  'POST ndr': ({ body }) => {
    simulator.scriptNdr(parseJson(body) as NdrScript)
    return ok
  },
  'POST accounts': async ({ body }) => {
    const input = parseJson(body) as AccountInput
    const { phoneNumberId, webhookUrl } = simulator.addAccount(input)
    const verification = webhookUrl === undefined ? undefined : await simulator.verifyWebhook(phoneNumberId)
    return json(200, { ok: true, verification })
  },
  'GET rules': () => json(200, { items: simulator.rules() }),
  'POST rules': ({ body }) => {
    for (const rule of listIn(body)) simulator.addRule(rule as Rule)
    return ok
  },
  'DELETE rules': () => {
    simulator.clearRules()
    return ok
  },
  'GET customers': () => json(200, { items: simulator.customers() }),
  'POST customers': ({ body }) => {
    for (const customer of listIn(body)) simulator.addCustomer(customer as CustomerInput)
    return ok
  },
  'DELETE customers': () => {
    simulator.clearCustomers()
    return ok
  },
  'POST tap': async ({ body }) => {
    const { messageId, index, title, payload, ...options } = tapInput.parse(parseJson(body))
    return json(200, { messageIds: await simulator.tap(messageId, { index, title, payload }, options) })
  },
  'POST say': async ({ body }) => {
    const { phone, text = '', message, ...options } = sayInput.parse(parseJson(body))
    const id = message ? simulator.send(phone, message, options) : simulator.say(phone, text, options)
    return json(200, { messageId: await id })
  },
  'POST news': async ({ body }) => {
    await simulator.tell(fieldNewsInput.parse(parseJson(body)))
    return ok
  },
  'POST dialog360/channels': ({ body }) => {
    for (const channel of listIn(body)) simulator.dialog360.add(channel as ChannelInput)
    return ok
  },
  'POST twin24/companies': ({ body }) => {
    for (const company of listIn(body)) simulator.twin24.addCompany(company as CompanyInput)
    return ok
  },
  'POST twin24/rules': ({ body }) => {
    for (const rule of listIn(body)) simulator.twin24.addRule(rule as TwinRule)
    return ok
  },
  'GET twin24/accepted': () => json(200, { items: simulator.twin24.accepted() }),
  'GET twin24/calls': () => json(200, { items: simulator.twin24.calls() }),
  'POST twin24/answers': async ({ body }) =>
    json(200, { call: (await simulator.twin24.answer(parseJson(body) as TwinAnswer)) ?? null }),
  'POST reset': () => {
    simulator.reset()
    return ok
  },
})

const listIn = (body: string): unknown[] => [parseJson(body)].flat()

/** Answers a control call; a wrong or unknown field is answered 400 with its path. */
export function createControl(simulator: Control): (call: Call) => Promise<Answer> {
  const routes = routesOf(simulator)
  return async (call) => {
    const handler = routes[`${call.method} ${call.path.slice('/_sim/'.length)}`]
    if (!handler) return json(404, { error: 'no such control endpoint', endpoints: Object.keys(routes) })
    try {
      return await handler(call)
    } catch (error) {
      return json(400, { error: error instanceof z.ZodError ? z.prettifyError(error) : String(error) })
    }
  }
}
