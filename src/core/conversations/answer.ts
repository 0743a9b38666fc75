/** From an answer without language to what the customer reads. */

import type { OrderSnapshot } from '../activity/order-snapshot.ts'
import type { Content, TemplateContent } from '../contract/content.ts'
import type { Action } from '../notifications/reason.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import { buttonPayload } from './button-payload.ts'
import type { AnswerTemplate, OwnTexts } from './flows.ts'
import { ownText } from './flows-override.ts'
import type { Answer } from './next-step.ts'

export interface AnswerFacts {
  readonly language: string
  /** The account's own words, where it has some. */
  readonly texts: OwnTexts
  readonly snapshot: OrderSnapshot
  /** Reference of the first message, which every button of the conversation carries. */
  readonly rootReference: string
  /** What the first message offered. */
  readonly actions: readonly Action[]
  /** Where a link button leads, and the action that it is for, as activity events name it. */
  readonly linkUrl: string
  readonly linkAction: string
}

/** Words and buttons of an answer. */
export function answerContent(catalog: TemplateCatalog, answer: Answer, facts: AnswerFacts): Content {
  const { language, rootReference } = facts
  const say = (values: Record<string, string> = {}) =>
    ownText(facts.texts, answer.key, language, values) ?? catalog.text(language, answer.key, values)
  const button = (action: Action, title: string, value?: string) => ({
    id: buttonPayload({ reference: rootReference, action, ...(value ? { value } : {}) }),
    title,
  })
  switch (answer.type) {
    case 'text': {
      const date = answer.date === undefined ? undefined : catalog.dateTitle(language, answer.date)
      const text = say(date === undefined ? {} : { date })
      const { outsideWindow, confirmsWish } = answer
      return {
        type: 'text',
        text,
        ...(confirmsWish ? { confirmsWish } : {}),
        ...(outsideWindow ? { outsideWindow: templateContent(catalog, outsideWindow, facts, date) } : {}),
      }
    }
    case 'dates': {
      const buttons = answer.dates.map((date) => button('reschedule', catalog.dateTitle(language, date), date))
      return { type: 'buttons', text: say(), buttons }
    }
    case 'link':
      return {
        type: 'link',
        text: say(),
        title: catalog.linkTitle(language, answer.key),
        url: facts.linkUrl,
        action: facts.linkAction,
      }
    case 'choices': {
      const buttons = facts.actions.map((action) => button(action, catalog.actionTitle(language, action, 'short')))
      return buttons.length > 0 ? { type: 'buttons', text: say(), buttons } : { type: 'text', text: say() }
    }
  }
}

/** Providers refuse an empty value. */
const absent = '-'

function templateContent(
  catalog: TemplateCatalog,
  template: AnswerTemplate,
  { language, snapshot }: AnswerFacts,
  date: string | undefined,
): TemplateContent {
  const facts = {
    customer: snapshot.customerName ?? catalog.unnamedCustomer(language),
    brand: snapshot.brand,
    order: snapshot.orderNumber,
    date,
  }
  return {
    type: 'template',
    template: { name: template.name, language: template.language ?? language },
    values: Object.fromEntries(template.values.map((name) => [name, facts[name] || absent])),
    buttons: [],
  }
}
