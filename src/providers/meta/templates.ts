/**
 * Templates of a WhatsApp Business Account: read page by page, and created.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management
 */

import type { HttpClient, ProviderConnection } from '../../core/contract/provider.ts'
import type { RegisteredTemplate, Registration, RegistrationForm, TemplateList } from '../../core/contract/templates.ts'
import { defined, listOf, parseJson, recordOf, textOf } from '../shared/read.ts'
import { readTemplate } from '../whatsapp/registered-template.ts'
import { templateUseOf } from '../whatsapp/template-news.ts'
import { type Asked, ask, failureOf } from './ask.ts'
import { accountCall, type GraphSettings } from './graph.ts'

const fields = 'id,name,language,status,category,components,parameter_format,quality_score'
const pageSize = 100
/** An account may have 6,000 templates; more pages than that are a list that goes in circles. */
const maxPages = 100
const pageMs = 20_000
/** A list that takes longer is given up, and begun anew when it is due again. */
const allMs = 5 * 60_000

/** @param nowMs a clock that never goes back */
export async function listTemplates(
  http: HttpClient,
  graph: GraphSettings,
  connection: ProviderConnection,
  name?: string,
  nowMs: () => number = () => performance.now(),
): Promise<TemplateList> {
  const found: RegisteredTemplate[] = []
  const endMs = nowMs() + allMs
  let after: string | undefined
  for (let page = 0; page < maxPages; page++) {
    const timeoutMs = Math.min(pageMs, endMs - nowMs())
    if (timeoutMs <= 0) return { failure: tooSlow }
    const query = new URLSearchParams(defined({ fields, limit: String(pageSize), name, after }))
    const call = { ...accountCall(graph, connection, listCall(query)), timeoutMs }
    const asked = await ask(http, connection, call)
    if (!('body' in asked)) return { failure: failureOf(asked) }
    if (!Array.isArray(recordOf(asked, 'body')?.data)) return { failure: noList }
    found.push(...listOf(asked.body, 'data').flatMap((item) => readTemplate(item) ?? []))
    after = nextCursor(asked.body)
    // The filter of Meta's finds names that begin alike as well.
    if (after === undefined) return { templates: name === undefined ? found : found.filter((one) => one.name === name) }
  }
  return { failure: { code: 'answer_unreadable', detail: `the list of templates has more than ${maxPages} pages` } }
}

const listCall = (query: URLSearchParams) => ({ method: 'GET', path: `/message_templates?${query}` }) as const

const tooSlow = {
  code: 'connection_unreachable',
  detail: `the list of templates was not complete after ${allMs / 60_000} minutes`,
} as const

const noList = { code: 'answer_unreadable', detail: 'the answer has no list of templates' } as const

/** The last page still has a cursor; only `next` says that there is more. It carries the token, so it is not used. */
function nextCursor(body: unknown): string | undefined {
  const paging = recordOf(body, 'paging')
  return textOf(paging, 'next') ? textOf(recordOf(paging, 'cursors'), 'after') : undefined
}

/** `error_subcode` of a template that is there already. */
const existsSubcode = '2388024'

export async function registerTemplate(
  http: HttpClient,
  graph: GraphSettings,
  form: RegistrationForm,
  connection: ProviderConnection,
): Promise<Registration> {
  const call = { method: 'POST', path: '/message_templates', body: form } as const
  const asked = await ask(http, connection, accountCall(graph, connection, call))
  if ('body' in asked) {
    const status = (textOf(asked.body, 'status') ?? 'PENDING').toUpperCase()
    return { result: 'registered', status, ...defined({ use: templateUseOf(status) }) }
  }
  return isThere(asked) ? { result: 'exists' } : { result: 'refused', failure: failureOf(asked) }
}

const isThere = (asked: Asked): boolean =>
  'refused' in asked && textOf(recordOf(parseJson(asked.answer.body), 'error'), 'error_subcode') === existsSubcode
