/**
 * Checks the `template` object of a message against the template's definition. Pure.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components
 */

import { type GraphProblem, problem } from './graph-errors.ts'
import type { Template } from './inputs.ts'
import { type Fields, fieldsOf, isFilled, isLongerThan, isObject, listOf, strangeKey, textOf } from './shapes.ts'
import { componentOf, fill, isNamed, variablesOf } from './templates.ts'
import type { MessageRules } from './validate-message.ts'
import { checkButtonComponents } from './validate-template-buttons.ts'

const templateKeys = new Set(['name', 'language', 'components', 'namespace'])
const languageKeys = new Set(['code', 'policy'])
const mediaFormats = new Set(['IMAGE', 'VIDEO', 'DOCUMENT', 'LOCATION'])

/** Status of a template -> code of the refusal; any other status but APPROVED counts as missing. */
const statusCodes: Readonly<Record<string, number>> = { PAUSED: 132015, DISABLED: 132016 }

export function checkTemplateMessage(content: Fields, rules: MessageRules): GraphProblem | undefined {
  const shape = checkTemplateShape(content)
  if (shape) return shape
  const name = textOf(content.name)
  const code = textOf(fieldsOf(content.language).code)
  const template = rules.findTemplate(name, code)
  if (template && template.status !== 'APPROVED') {
    return problem(statusCodes[template.status] ?? 132001, `template name (${name}) is ${template.status} in ${code}`)
  }
  if (!template && rules.strictTemplates) return problem(132001, `template name (${name}) does not exist in ${code}`)
  return checkComponents(content, template)
}

function checkTemplateShape(content: Fields): GraphProblem | undefined {
  const strange = strangeKey(content, templateKeys)
  if (strange !== undefined) return problem(100, `Unexpected key "${strange}" on param "template".`)
  if (!isFilled(content.name)) return problem(131008, "Parameter 'name' is mandatory for type 'template'")
  const { language, components } = content
  if (!isObject(language) || !isFilled(language.code)) {
    return problem(131008, "Parameter 'language' with a 'code' is mandatory for type 'template'")
  }
  const strangeInLanguage = strangeKey(language, languageKeys)
  if (strangeInLanguage !== undefined) {
    return problem(100, `Unexpected key "${strangeInLanguage}" on param "template['language']".`)
  }
  if (components === undefined || Array.isArray(components)) return undefined
  return problem(100, "Param template['components'] must be an array.")
}

const typeOf = (component: unknown): string => textOf(fieldsOf(component).type).toLowerCase()
const parametersOf = (component: unknown): readonly unknown[] => listOf(fieldsOf(component).parameters)

const componentTypes = new Set(['header', 'body', 'button', 'limited_time_offer', 'carousel'])

function checkComponents(content: Fields, template: Template | undefined): GraphProblem | undefined {
  const components = listOf(content.components)
  const strange = components.find((component) => !componentTypes.has(typeOf(component)))
  if (strange !== undefined) {
    return problem(100, `Param template['components']['type'] must be one of {HEADER, BODY, BUTTON}`)
  }
  const header = components.filter((component) => typeOf(component) === 'header')
  const body = components.filter((component) => typeOf(component) === 'body')
  const buttons = components.filter((component) => typeOf(component) === 'button')
  if (header.length > 1 || body.length > 1) return problem(132018, 'components: header and body may occur once each')
  return (
    checkTexts([...components].flatMap(parametersOf)) ??
    (template && checkHeader(parametersOf(header[0]), template)) ??
    (template && checkBody(parametersOf(body[0]), template)) ??
    checkButtonComponents(buttons, template)
  )
}

/** Values may not be empty and hold no line break, tab or run of more than four spaces. */
function checkTexts(parameters: readonly unknown[]): GraphProblem | undefined {
  for (const parameter of parameters) {
    const { type, text } = fieldsOf(parameter)
    if (type !== 'text') continue
    if (!isFilled(text)) return problem(132018, 'Parameter of type text is missing text value')
    if (/[\n\r\t]| {5}/.test(text)) {
      return problem(132018, 'Param text cannot have new-line/tab characters or more than 4 consecutive spaces')
    }
  }
  return undefined
}

function checkHeader(parameters: readonly unknown[], template: Template): GraphProblem | undefined {
  const header = componentOf(template, 'HEADER')
  const format = (header?.format ?? 'TEXT').toUpperCase()
  if (!header || format === 'TEXT') return checkParameters('header', parameters, header?.text ?? '', template)
  const given = textOf(fieldsOf(parameters[0]).type).toUpperCase()
  if (parameters.length === 1 && mediaFormats.has(format) && given === format) return undefined
  return problem(132012, `header: Format mismatch, expected ${format}, received ${given || 'UNKNOWN'}`)
}

function checkBody(parameters: readonly unknown[], template: Template): GraphProblem | undefined {
  const text = componentOf(template, 'BODY')?.text ?? ''
  const found = checkParameters('body', parameters, text, template)
  if (found) return found
  return isLongerThan(fill(text, valuesOf(parameters, template)), 1024)
    ? problem(132005, 'body: the text with its parameters is longer than 1024 characters')
    : undefined
}

const bodyTypes = new Set(['text', 'currency', 'date_time'])

function checkParameters(
  where: string,
  parameters: readonly unknown[],
  text: string,
  template: Template,
): GraphProblem | undefined {
  const expected = variablesOf(text)
  if (parameters.length !== expected.length) {
    return problem(
      132000,
      `${where}: number of localizable_params (${parameters.length}) does not match the expected number of params (${expected.length})`,
    )
  }
  const strange = parameters.find((parameter) => !bodyTypes.has(textOf(fieldsOf(parameter).type)))
  if (strange !== undefined) return problem(132012, `${where}: parameter is not of type text, currency or date_time`)
  return checkNames(where, parameters, expected, template)
}

function checkNames(
  where: string,
  parameters: readonly unknown[],
  expected: readonly string[],
  template: Template,
): GraphProblem | undefined {
  const names = parameters.map((parameter) => fieldsOf(parameter).parameter_name)
  const fits = isNamed(template)
    ? expected.every((name) => names.includes(name))
    : names.every((name) => name === undefined)
  return fits ? undefined : problem(132000, `${where}: parameter names do not match those of the template`)
}

const shownValue = (parameter: Fields): string => {
  const special = fieldsOf(parameter[textOf(parameter.type)])
  return textOf(parameter.text) || textOf(special.fallback_value)
}

function valuesOf(parameters: readonly unknown[], template: Template): Record<string, string> {
  const named = isNamed(template)
  return Object.fromEntries(
    parameters
      .map(fieldsOf)
      .map((parameter, index) => [named ? textOf(parameter.parameter_name) : String(index + 1), shownValue(parameter)]),
  )
}

/** The body as the customer reads it. */
export function templateTextOf(content: Fields, template: Template): string {
  const body = listOf(content.components).find((component) => typeOf(component) === 'body')
  return fill(componentOf(template, 'BODY')?.text ?? '', valuesOf(parametersOf(body), template))
}
