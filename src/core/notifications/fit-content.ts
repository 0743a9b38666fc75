/** Can what somebody wants to say be said through a connection? Looked at before anything is written. */

import type { Connection } from '../accounts/connections.ts'
import type { FindWindow, ServiceWindow } from '../contacts/service-window.ts'
import { templateKey } from '../contract/provider.ts'
import type { RegisteredTemplate } from '../contract/templates.ts'
import { misfits } from '../templates/fit.ts'
import type { Refusal } from './gates/gate.ts'
import type { NamedContent } from './kinds/kind.ts'
import { maxBodyLength } from './parameters.ts'
import type { TemplateCatalog } from './template-catalog.ts'
import type { FittedWording, Wording } from './wording.ts'

export interface FitDeps {
  readonly catalog: TemplateCatalog
  /** Templates as the connection's provider listed them last; undefined where it never did. */
  readonly listedTemplates: (connectionId: number) => Promise<readonly RegisteredTemplate[] | undefined>
  readonly takesFreeForm: (connection: Connection) => boolean
  readonly serviceWindow: FindWindow
}

export type Fit =
  /** `usefulUntil`: it cannot be sent any more afterwards. */
  { readonly wording: FittedWording; readonly usefulUntil?: Date | undefined } | { readonly refusal: Refusal }

/** What stands for a reason fits by its making; what people ask for has to be looked at. */
export async function fitContent(deps: FitDeps, wording: Wording, connection: Connection, phone: string): Promise<Fit> {
  if (!wording.template) return fitText(deps, wording, connection, phone)
  const { template, said } = wording
  if (said.type === 'reason') return { wording: { template, said } }
  const listed = await deps.listedTemplates(connection.id)
  const arranged = arrange(said, variablesOf(deps.catalog, template, listed))
  if ('refusal' in arranged) return arranged
  const misfit = listed && misfits(template, { variables: Object.keys(arranged.values), buttons: [] }, listed)[0]
  const isListed = listed?.some((one) => templateKey(one) === templateKey(template))
  if (misfit) return refused(isListed ? 'template_parameters' : 'template_missing', `${misfit.text} ${misfit.fix}`)
  if (isTooLong(deps.catalog, template, arranged.values))
    return refused('template_parameters', `the filled text is longer than ${maxBodyLength} characters`)
  return { wording: { template, said: { ...said, values: arranged.values } } }
}

const refused = (code: string, detail: string): { readonly refusal: Refusal } => ({ refusal: { code, detail } })

async function fitText(
  { takesFreeForm, serviceWindow }: FitDeps,
  wording: FittedWording,
  connection: Connection,
  phone: string,
): Promise<Fit> {
  if (!takesFreeForm(connection))
    return refused('text_not_supported', `this connection sends templates only; ${theTemplateWay}`)
  const window = await serviceWindow(connection, phone)
  return window.isOpen ? { wording, usefulUntil: window.closesAt } : refused('window_closed', whyClosed(window))
}

const theTemplateWay = 'send a template instead ("type":"template")'

const whyClosed = ({ lastInboundAt }: ServiceWindow): string =>
  `free text is only taken within 24 hours after the customer last wrote, which was ${lastInboundAt?.toISOString() ?? 'never'}; ${theTemplateWay}`

interface Key {
  readonly name: string
  readonly language: string
}

/** Names of the template's variables in their order; undefined where nobody here knows them. */
function variablesOf(
  catalog: TemplateCatalog,
  { name, language }: Key,
  listed: readonly RegisteredTemplate[] | undefined,
): readonly string[] | undefined {
  if (catalog.isWritten(name, language)) return catalog.template(name, language).variables
  return listed?.find((one) => templateKey(one) === templateKey({ name, language }))?.variables.map((one) => one.name)
}

/** Values in the order of the variables: by name, or by place. */
function arrange(
  { name, values }: NamedContent,
  variables: readonly string[] | undefined,
): { readonly values: Record<string, string> } | { readonly refusal: Refusal } {
  const given = Object.entries(Array.isArray(values) ? numbered(values) : values)
  if (!variables) return { values: Object.fromEntries(given) }
  const byName = new Map(given)
  if (given.every(([key]) => isNumber(key)) || variables.every(isNumber)) {
    if (given.length !== variables.length) return refused('template_parameters', wrongCount(name, variables, given))
    return { values: Object.fromEntries(variables.map((variable, index) => [variable, given[index]?.[1] ?? ''])) }
  }
  const missing = variables.filter((variable) => !byName.has(variable))
  const unknown = given.map(([key]) => key).filter((key) => !variables.includes(key))
  if (missing.length > 0 || unknown.length > 0)
    return refused('template_parameters', wrongNames(name, variables, missing, unknown))
  return { values: Object.fromEntries(variables.map((variable) => [variable, byName.get(variable) ?? ''])) }
}

const isNumber = (name: string): boolean => /^\d+$/.test(name)

const numbered = (values: readonly string[]): Record<string, string> =>
  Object.fromEntries(values.map((value, index) => [String(index + 1), value]))

const takes = (name: string, variables: readonly string[]): string =>
  variables.length > 0 ? `${name} takes the values ${variables.join(', ')}` : `${name} takes no values`

const wrongCount = (name: string, variables: readonly string[], given: readonly unknown[]): string =>
  `${takes(name, variables)}: ${variables.length}, and ${given.length} are given`

function wrongNames(
  name: string,
  variables: readonly string[],
  missing: readonly string[],
  unknown: readonly string[],
): string {
  const problems = [
    ...(missing.length > 0 ? [`${missing.join(', ')} is missing`] : []),
    ...(unknown.length > 0 ? [`${unknown.join(', ')} is not known`] : []),
  ]
  return `${takes(name, variables)}; ${problems.join('; ')}`
}

function isTooLong(catalog: TemplateCatalog, { name, language }: Key, values: Record<string, string>): boolean {
  return catalog.isWritten(name, language) && catalog.template(name, language).render(values).length > maxBodyLength
}
