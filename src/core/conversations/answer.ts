/** From an answer without language to what the customer reads. */

import type { Content } from '../contract/content.ts'
import type { Action } from '../notifications/reason.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import { buttonPayload } from './button-payload.ts'
import type { Answer } from './next-step.ts'

export interface AnswerFacts {
  readonly language: string
  /** Reference of the first message, which every button of the conversation carries. */
  readonly rootReference: string
  /** What the first message offered. */
  readonly actions: readonly Action[]
  /** Where a link button leads. */
  readonly linkUrl: string
}

/** Words and buttons of an answer. */
export function answerContent(catalog: TemplateCatalog, answer: Answer, facts: AnswerFacts): Content {
  const { language, rootReference } = facts
  const say = (values: Record<string, string> = {}) => catalog.text(language, answer.key, values)
  const button = (action: Action, title: string, value?: string) => ({
    id: buttonPayload({ reference: rootReference, action, ...(value ? { value } : {}) }),
    title,
  })
  switch (answer.type) {
    case 'text':
      return { type: 'text', text: say(answer.date ? { date: catalog.dateTitle(language, answer.date) } : {}) }
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
      }
    case 'choices': {
      const buttons = facts.actions.map((action) => button(action, catalog.actionTitle(language, action, 'short')))
      return buttons.length > 0 ? { type: 'buttons', text: say(), buttons } : { type: 'text', text: say() }
    }
  }
}
