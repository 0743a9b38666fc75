/** Checks the button components of a template message: one per button that has a parameter. Pure. */

import { type GraphProblem, problem } from './graph-errors.ts'
import type { Template, TemplateButton } from './inputs.ts'
import { type Fields, fieldsOf, isFilled, listOf, textOf } from './shapes.ts'
import { buttonsOf, variablesOf } from './templates.ts'

/** `sub_type` of a component -> type of the template's button. */
const buttonTypes: Readonly<Record<string, string>> = {
  quick_reply: 'QUICK_REPLY',
  url: 'URL',
  copy_code: 'COPY_CODE',
  flow: 'FLOW',
  catalog: 'CATALOG',
  mpm: 'MPM',
}

const maxPayloadLength = 128

export function checkButtonComponents(
  components: readonly unknown[],
  template: Template | undefined,
): GraphProblem | undefined {
  const indexes = components.map((component) => String(fieldsOf(component).index))
  if (new Set(indexes).size < indexes.length) return problem(132018, 'buttons: an index occurs twice')
  for (const component of components) {
    const found = checkButton(fieldsOf(component), template)
    if (found) return found
  }
  return template && checkMissing(indexes, template)
}

function checkButton(component: Fields, template: Template | undefined): GraphProblem | undefined {
  const subType = textOf(component.sub_type).toLowerCase()
  const buttonType = buttonTypes[subType]
  if (!buttonType)
    return problem(100, "Param template['components']['sub_type'] must be one of {QUICK_REPLY, URL, ...}")
  if (component.index === undefined) return problem(131008, "Parameter 'index' is mandatory for type 'button'")
  if (!/^\d$/.test(String(component.index))) return problem(100, "Param template['components']['index'] must be 0 to 9")
  return (template && checkPlace(Number(component.index), buttonType, template)) ?? checkParameter(subType, component)
}

function checkPlace(index: number, buttonType: string, template: Template): GraphProblem | undefined {
  const type = buttonsOf(template)[index]?.type.toUpperCase()
  if (type === buttonType) return undefined
  return problem(132018, `buttons: Button at index ${index} of type ${buttonType} does not exist in the template`)
}

function checkParameter(subType: string, component: Fields): GraphProblem | undefined {
  const parameters = listOf(component.parameters)
  const { type, payload, text } = fieldsOf(parameters[0])
  if (parameters.length !== 1) return problem(132000, 'buttons: exactly one parameter is expected')
  if (subType === 'url') {
    return type === 'text' && isFilled(text) ? undefined : problem(132012, 'buttons: a url button takes a text')
  }
  if (subType !== 'quick_reply') return undefined
  if (type !== 'payload') return problem(132012, 'buttons: a quick_reply button takes a payload')
  if (!isFilled(payload)) return problem(131008, 'buttons: Parameter of type payload is missing payload value')
  return payload.length > maxPayloadLength
    ? problem(100, `buttons: payload must be at most ${maxPayloadLength} characters long`)
    : undefined
}

const needsParameter = (button: TemplateButton): boolean =>
  button.type.toUpperCase() === 'URL' && variablesOf(button.url ?? '').length > 0

function checkMissing(indexes: readonly string[], template: Template): GraphProblem | undefined {
  const missing = buttonsOf(template).findIndex(
    (button, index) => needsParameter(button) && !indexes.includes(String(index)),
  )
  return missing < 0
    ? undefined
    : problem(131008, `buttons: Button at index ${missing} of type Url requires a parameter`)
}
