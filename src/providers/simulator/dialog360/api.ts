/**
 * 360dialog's Messaging API under `/dialog360/`: the key says which number, Meta's checks and lies are those of all
 * numbers, and only what 360dialog refuses by itself has its own shape.
 * https://docs.360dialog.com/docs/messaging-api/api-reference/messages
 */

import { type Answer, type Call, json, type Outcome } from '../answers.ts'
import type { Account } from '../inputs.ts'
import { phoneNumber } from '../phone-number.ts'
import type { SendMessage } from '../send-message.ts'
import { fieldsOf, parseJson, textOf } from '../shapes.ts'
import type { State } from '../state.ts'
import type { createTemplateApi } from '../template-api.ts'
import type { Channels } from './channels.ts'
import { webhookInput } from './inputs.ts'
import { refusedInWords } from './refusal.ts'

interface Deps {
  readonly state: State
  readonly channels: Channels
  readonly sendMessage: SendMessage
  readonly templateApi: ReturnType<typeof createTemplateApi>
}

type Endpoint = (call: Call, account: Account) => Outcome | Promise<Outcome>

const prefix = '/dialog360'

export function createDialog360Api({ state, channels, sendMessage, templateApi }: Deps) {
  const shownWebhook = (account: Account): Answer =>
    json(200, { url: account.webhookUrl ?? '', headers: channels.headersOf(account) ?? {} })

  const setWebhook: Endpoint = ({ body }, account) => {
    const asked = webhookInput.safeParse(parseJson(body))
    if (!asked.success) return refusedInWords(400, 'Invalid webhook configuration')
    account.webhookUrl = asked.data.url
    channels.setHeaders(account, asked.data.headers)
    return shownWebhook(account)
  }

  const listTemplates: Endpoint = ({ query }, { wabaId }) => {
    const all = state.templates(wabaId)
    const [offset, limit] = [countIn(query, 'offset', 0), countIn(query, 'limit', 1000)]
    const page = all.slice(offset, offset + limit).map(shownTemplate)
    return json(200, { count: page.length, limit, offset, total: all.length, waba_templates: page })
  }

  const createTemplate: Endpoint = (call, { wabaId }) => {
    const answer = templateApi.create(call, wabaId)
    const { name, language } = fieldsOf(parseJson(call.body))
    const created = state.findTemplate(wabaId, textOf(name), textOf(language))
    return answer.status === 200 && created ? json(201, shownTemplate(created)) : answer
  }

  const endpoints: Readonly<Record<string, Endpoint>> = {
    'POST /messages': sendMessage,
    'POST /v1/messages': sendMessage,
    'GET /health_status': (_call, account) => {
      const found = phoneNumber(account, 'health_status')
      return json(200, 'value' in found ? found.value : {})
    },
    'GET /v1/configs/webhook': (_call, account) => shownWebhook(account),
    'POST /v1/configs/webhook': setWebhook,
    'GET /v1/configs/templates': listTemplates,
    'POST /v1/configs/templates': createTemplate,
  }

  return (call: Call): Outcome | Promise<Outcome> => {
    const account = channels.accountOf(String(call.headers['d360-api-key'] ?? ''))
    if (!account) return refusedInWords(401, 'Invalid api_key')
    const endpoint = endpoints[`${call.method} ${call.path.slice(prefix.length)}`]
    return endpoint ? endpoint(call, account) : refusedInWords(404, 'Not found')
  }
}

/** 360dialog writes the status in small letters. */
const shownTemplate = (template: ReturnType<State['templates']>[number]): object => ({
  ...template,
  status: template.status.toLowerCase(),
})

const countIn = (query: URLSearchParams, name: string, preset: number): number => {
  const count = Number(query.get(name) ?? preset)
  return Number.isSafeInteger(count) && count >= 0 ? count : preset
}
