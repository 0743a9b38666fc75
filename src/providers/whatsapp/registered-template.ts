/**
 * One template as the list of an account shows it.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management
 */

import type { RegisteredTemplate, TemplateButton, TemplateVariable } from '../../core/contract/templates.ts'
import { defined, listOf, recordOf, textOf } from '../shared/read.ts'
import { templateUseOf } from './template-news.ts'

/** Undefined when name, language or status is missing. */
export function readTemplate(value: unknown): RegisteredTemplate | undefined {
  const [name, language, status] = [textOf(value, 'name'), textOf(value, 'language'), upper(textOf(value, 'status'))]
  if (!name || !language || !status) return undefined
  const body = textOf(componentOf(value, 'BODY'), 'text') ?? ''
  const buttons = listOf(componentOf(value, 'BUTTONS'), 'buttons')
  return {
    name,
    language,
    status,
    body,
    variables: variablesOf(body, upper(textOf(value, 'parameter_format')) === 'NAMED'),
    buttons: buttons.map(readButton),
    otherValues: [...headerValues(componentOf(value, 'HEADER')), ...buttons.flatMap(buttonValues)],
    ...defined({
      vendorId: textOf(value, 'id'),
      use: templateUseOf(status),
      category: upper(textOf(value, 'category')),
      quality: textOf(recordOf(value, 'quality_score'), 'score'),
    }),
  }
}

const upper = (text: string | undefined): string | undefined => text?.toUpperCase()

const typeOf = (component: unknown): string => upper(textOf(component, 'type')) ?? ''

const componentOf = (template: unknown, type: string): unknown =>
  listOf(template, 'components').find((component) => typeOf(component) === type)

const placeholder = /\{\{\s*(\w+)\s*\}\}/g

const namesIn = (text: string): string[] => [
  ...new Set(Array.from(text.matchAll(placeholder), ([, name]) => name ?? '')),
]

/** Numbered variables take their values by number, wherever they stand; named ones by name. */
function variablesOf(body: string, isNamed: boolean): TemplateVariable[] {
  const names = namesIn(body)
  const ordered = isNamed ? names : names.sort((a, b) => Number(a) - Number(b))
  return ordered.map((name) => ({ name, kind: isNamed ? 'named' : 'positional' }))
}

const readButton = (button: unknown): TemplateButton => ({
  type: typeOf(button),
  title: textOf(button, 'text') ?? '',
})

function headerValues(header: unknown): string[] {
  const format = upper(textOf(header, 'format')) ?? 'TEXT'
  if (header === undefined) return []
  if (format !== 'TEXT') return [`the header's ${format.toLowerCase()}`]
  return namesIn(textOf(header, 'text') ?? '').length > 0 ? ["the header's variable"] : []
}

/** Buttons to which a message must give something that we never give. */
const filledButtons: ReadonlyMap<string, string> = new Map([
  ['COPY_CODE', 'code'],
  ['OTP', 'code'],
  ['CATALOG', 'catalog'],
  ['MPM', 'products'],
])

function buttonValues(button: unknown, index: number): string[] {
  const what = filledButtons.get(typeOf(button))
  if (what) return [`the ${what} of button ${index + 1}`]
  return namesIn(textOf(button, 'url') ?? '').length > 0 ? [`the link of button ${index + 1}`] : []
}
