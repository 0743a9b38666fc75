/** `/{wabaId}/message_templates`: list, create, delete. */

import { type Answer, type Call, json, refused } from './answers.ts'
import type { TemplateInput } from './inputs.ts'
import { fieldsOf, parseJson, textOf } from './shapes.ts'
import type { State } from './state.ts'
import type { Timers } from './timers.ts'
import { validateTemplate } from './validate-template.ts'
import { templateStatusWebhook } from './webhook-bodies.ts'
import type { Webhooks } from './webhooks.ts'

interface Deps {
  readonly state: State
  readonly timers: Timers
  readonly webhooks: Webhooks
  /** 0: approved with the answer; else PENDING first, and a webhook tells the approval. */
  readonly approvalMs: number
}

const filters = ['name', 'language', 'status', 'category'] as const
const cursorAt = (offset: number): string => Buffer.from(`at:${offset}`).toString('base64url')
const offsetOf = (cursor: string | null): number =>
  Number(
    Buffer.from(cursor ?? '', 'base64url')
      .toString()
      .slice('at:'.length),
  ) || 0

const maxPage = 1000

export function createTemplateApi({ state, timers, webhooks, approvalMs }: Deps) {
  const approve = (wabaId: string, input: TemplateInput): void => {
    const template = state.putTemplate(wabaId, { ...input, status: 'APPROVED' })
    const account = state.accountsOf(wabaId)[0]
    if (account) void webhooks.sendBody(account, 'template', templateStatusWebhook(account, template))
  }

  return {
    list({ query, base, path }: Call, wabaId: string): Answer {
      const wanted = filters.flatMap((field) => (query.has(field) ? [[field, query.get(field)] as const] : []))
      const all = state.templates(wabaId).filter((item) => wanted.every(([field, value]) => item[field] === value))
      const start = offsetOf(query.get('after'))
      const end = start + Math.min(maxPage, Math.max(1, Number(query.get('limit') ?? 25) || 25))
      const data = all.slice(start, end)
      if (data.length === 0) return json(200, { data })
      const cursors = { before: cursorAt(start), after: cursorAt(end) }
      const next = new URLSearchParams(query)
      next.set('after', cursors.after)
      return json(200, {
        data,
        paging: { cursors, ...(end < all.length ? { next: `${base}${path}?${next}` } : {}) },
      })
    },

    create({ body }: Call, wabaId: string): Answer {
      const asked = fieldsOf(parseJson(body))
      const found = validateTemplate(asked)
      if (found) return refused(found)
      if (state.findTemplate(wabaId, textOf(asked.name), textOf(asked.language))) return refused(alreadyThere)
      const input = asked as TemplateInput
      const template = state.putTemplate(wabaId, { ...input, status: approvalMs > 0 ? 'PENDING' : 'APPROVED' })
      if (approvalMs > 0) timers.after(approvalMs, () => approve(wabaId, input))
      return json(200, { id: template.id, status: template.status, category: template.category })
    },

    remove({ query }: Call, wabaId: string): Answer {
      return state.removeTemplates(wabaId, query.get('name') ?? '')
        ? json(200, { success: true })
        : refused({ code: 100, subcode: 2593002, details: 'Message template not found' })
    },
  }
}

const alreadyThere = {
  code: 100,
  subcode: 2388024,
  userTitle: 'Content in this language already exists',
  details: 'There is already content in this language for this template.',
}
