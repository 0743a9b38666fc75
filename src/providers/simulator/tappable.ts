/** The buttons of a message as the customer sees them, and what a tap on each sends back. */

import type { Template } from './inputs.ts'
import { fieldsOf, listOf, textOf } from './shapes.ts'
import { buttonsOf, fill } from './templates.ts'

/** `button`: template quick reply; `button_reply`, `list_reply`: ours inside the window; `link`: opens a page. */
export interface Tappable {
  readonly kind: 'button' | 'button_reply' | 'list_reply' | 'link'
  readonly title: string
  /** The payload or id that comes back; for a link its URL. */
  readonly payload: string
  readonly description?: string
}

const firstParameter = (component: unknown) => fieldsOf(listOf(fieldsOf(component).parameters)[0])

function templateButtons(content: unknown, template: Template | undefined): Tappable[] {
  const parameters = new Map(
    listOf(fieldsOf(content).components)
      .filter((component) => textOf(fieldsOf(component).type).toLowerCase() === 'button')
      .map((component) => [Number(fieldsOf(component).index), firstParameter(component)]),
  )
  if (!template) {
    return Array.from(parameters, ([index, parameter]) => ({
      kind: 'button',
      title: `Button ${index + 1}`,
      payload: textOf(parameter.payload),
    }))
  }
  return buttonsOf(template).flatMap((button, index): Tappable[] => {
    const type = button.type.toUpperCase()
    const suffix = textOf(parameters.get(index)?.text)
    if (type === 'URL') return [{ kind: 'link', title: button.text, payload: fill(button.url ?? '', { 1: suffix }) }]
    if (type !== 'QUICK_REPLY') return []
    return [{ kind: 'button', title: button.text, payload: textOf(parameters.get(index)?.payload) || button.text }]
  })
}

const replyButton = (button: unknown): Tappable => {
  const reply = fieldsOf(fieldsOf(button).reply)
  return { kind: 'button_reply', title: textOf(reply.title), payload: textOf(reply.id) }
}

const listRow = (row: unknown): Tappable => {
  const { id, title, description } = fieldsOf(row)
  return {
    kind: 'list_reply',
    title: textOf(title),
    payload: textOf(id),
    ...(description ? { description: textOf(description) } : {}),
  }
}

function interactiveButtons(content: unknown): Tappable[] {
  const { type, action } = fieldsOf(content)
  const { buttons, sections, parameters } = fieldsOf(action)
  if (type === 'button') return listOf(buttons).map(replyButton)
  if (type === 'list') return listOf(sections).flatMap((section) => listOf(fieldsOf(section).rows).map(listRow))
  const { display_text, url } = fieldsOf(parameters)
  return type === 'cta_url' ? [{ kind: 'link', title: textOf(display_text), payload: textOf(url) }] : []
}

/** Every button of a message that was accepted, in the order in which it is shown. */
export function tappablesOf(type: string, content: unknown, template: Template | undefined): Tappable[] {
  if (type === 'template') return templateButtons(content, template)
  return type === 'interactive' ? interactiveButtons(content) : []
}
