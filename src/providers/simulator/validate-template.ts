/**
 * Checks a template that is to be created. Pure.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
 */

import type { GraphProblem } from './graph-errors.ts'
import type { TemplateButton, TemplateComponent } from './inputs.ts'
import { type Fields, fieldsOf, isFilled, isLongerThan, listOf, textOf } from './shapes.ts'
import { variablesOf } from './templates.ts'

const invalid = (details: string, subcode?: number): GraphProblem => ({
  code: 100,
  subcode,
  details,
  userTitle: 'Template cannot be created',
})

const categories: ReadonlySet<string> = new Set(['UTILITY', 'MARKETING', 'AUTHENTICATION'])
const formats: ReadonlySet<string> = new Set(['POSITIONAL', 'NAMED'])

type Components = readonly TemplateComponent[]

/** Why Meta would not create it, or undefined. */
export function validateTemplate(body: Fields): GraphProblem | undefined {
  const components = listOf(body.components).map((component) => fieldsOf(component) as TemplateComponent)
  const named = textOf(body.parameter_format).toUpperCase() === 'NAMED'
  return (
    checkHead(body) ??
    checkBody(components, named) ??
    checkHeaderAndFooter(components, named) ??
    checkButtons(components)
  )
}

function checkHead({ name, language, category, parameter_format, components }: Fields): GraphProblem | undefined {
  if (!/^[a-z0-9_]{1,512}$/.test(textOf(name))) return invalid('name: lower-case letters, digits and _, at most 512')
  if (!/^[a-z]{2,3}(_[A-Za-z]{2,4})?$/.test(textOf(language))) return invalid('language: a code such as en or en_US')
  if (!categories.has(textOf(category).toUpperCase())) return invalid('category: UTILITY, MARKETING or AUTHENTICATION')
  if (parameter_format !== undefined && !formats.has(textOf(parameter_format).toUpperCase())) {
    return invalid('parameter_format: POSITIONAL or NAMED')
  }
  return Array.isArray(components) ? undefined : invalid('components: an array is required')
}

const find = (components: Components, type: string): TemplateComponent | undefined =>
  components.find((component) => textOf(component.type).toUpperCase() === type)

function checkBody(components: Components, named: boolean): GraphProblem | undefined {
  const body = find(components, 'BODY')
  if (!body || !isFilled(body.text)) return invalid('body: a text is required', 2388072)
  if (isLongerThan(body.text, 1024)) return invalid('body: at most 1024 characters', 2388040)
  return checkVariables(body.text, named) ?? checkExample(body, named)
}

function checkVariables(text: string, named: boolean): GraphProblem | undefined {
  const variables = variablesOf(text)
  if (/^\s*\{\{|\}\}\s*$/.test(text)) return invalid('variables cannot be at the start or end of the text', 2388299)
  if (/\}\}\s*\{\{/.test(text)) return invalid('variables cannot stand next to each other', 2388072)
  const wellNamed = named
    ? variables.every((name) => /^[a-z][a-z0-9_]{0,19}$/.test(name))
    : variables.every((name, index) => name === String(index + 1))
  if (!wellNamed || text.split('{{').length - 1 !== (text.match(/\{\{\s*\w+\s*\}\}/g) ?? []).length) {
    return invalid('variables must be {{1}}, {{2}}, ... in order, or named in lower case', 2388072)
  }
  const words = text.split(/\s+/).length
  return words < variables.length * 2 + 1
    ? invalid('too many variables for the length of the text', 2388293)
    : undefined
}

function checkExample(body: TemplateComponent, named: boolean): GraphProblem | undefined {
  const count = variablesOf(textOf(body.text)).length
  const example = fieldsOf(body.example)
  const given = named ? listOf(example.body_text_named_params) : listOf(listOf(example.body_text)[0])
  return given.length === count ? undefined : invalid('body: an example for each variable is required', 2388072)
}

function checkHeaderAndFooter(components: Components, named: boolean): GraphProblem | undefined {
  const header = find(components, 'HEADER')
  const footer = find(components, 'FOOTER')
  if (header && textOf(header.format).toUpperCase() === 'TEXT') {
    const text = textOf(header.text)
    if (!text || isLongerThan(text, 60)) return invalid('header: 1 to 60 characters', 2388047)
    if (variablesOf(text).length > 1) return invalid('header: at most one variable', 2388047)
    const names = variablesOf(text).every((name) => named || name === '1')
    if (!names) return invalid('header: the variable is {{1}}', 2388047)
  }
  if (!footer) return undefined
  const text = textOf(footer.text)
  const fits = text && !isLongerThan(text, 60) && variablesOf(text).length === 0
  return fits ? undefined : invalid('footer: 1 to 60 characters, no variable', 2388073)
}

/** Type of a button -> how many a template may have, and how long the text may be. */
const buttonLimits: Readonly<Record<string, { readonly max: number; readonly maxText: number }>> = {
  QUICK_REPLY: { max: 10, maxText: 25 },
  URL: { max: 2, maxText: 25 },
  PHONE_NUMBER: { max: 1, maxText: 25 },
  COPY_CODE: { max: 1, maxText: 25 },
  FLOW: { max: 1, maxText: 25 },
}

const typeOf = (button: TemplateButton): string => textOf(button.type).toUpperCase()

function checkButtons(components: Components): GraphProblem | undefined {
  const component = find(components, 'BUTTONS')
  if (!component) return undefined
  const buttons = listOf(component.buttons).map((button) => fieldsOf(button) as TemplateButton)
  if (buttons.length < 1 || buttons.length > 10) return invalid('buttons: 1 to 10')
  for (const button of buttons) {
    const found = checkButton(button, buttons)
    if (found) return found
  }
  const titles = buttons.map((button) => button.text)
  if (new Set(titles).size < titles.length) return invalid('buttons: texts must differ')
  return checkGroups(buttons)
}

function checkButton(button: TemplateButton, all: readonly TemplateButton[]): GraphProblem | undefined {
  const type = typeOf(button)
  const limits = Object.hasOwn(buttonLimits, type) ? buttonLimits[type] : undefined
  if (!limits) return invalid(`buttons: unknown type ${type}`)
  if (all.filter((other) => typeOf(other) === type).length > limits.max) {
    return invalid(`buttons: at most ${limits.max} of type ${type}`)
  }
  const text = textOf(button.text)
  if (type !== 'COPY_CODE' && (!text || isLongerThan(text, limits.maxText) || variablesOf(text).length > 0)) {
    return invalid(`buttons: text of 1 to ${limits.maxText} characters without variables`)
  }
  return type === 'URL' ? checkUrl(textOf(button.url)) : undefined
}

function checkUrl(url: string): GraphProblem | undefined {
  const atEnd = /^https?:\/\/[^{}]+(\{\{1\}\})?$/.test(url)
  return atEnd && url.length <= 2000
    ? undefined
    : invalid('buttons: a url with at most one variable, {{1}}, at its end')
}

/** Quick replies stand together: QR, URL, QR is refused. */
function checkGroups(buttons: readonly TemplateButton[]): GraphProblem | undefined {
  const isQuickReply = buttons.map((button) => typeOf(button) === 'QUICK_REPLY')
  const changes = isQuickReply.filter((value, index) => index > 0 && value !== isQuickReply[index - 1]).length
  return changes > 1 ? invalid('buttons: quick replies must stand together') : undefined
}
