/** May an account use a template, as it stands at the provider of its connection? */

import { type Connection, forProvider } from '../accounts/connections.ts'
import type { TemplateKey } from '../contract/events.ts'
import type { Failure } from '../contract/failures.ts'
import { type Capabilities, type ProviderAdapter, templateKey } from '../contract/provider.ts'
import type { RegisteredTemplate } from '../contract/templates.ts'
import { type Misfit, misfits, type Wanted } from './fit.ts'

/** By name and language, or by the provider's id. */
export type TemplateName = TemplateKey | { readonly vendorId: string }

/** `unasked`: the provider keeps no list that could be asked. */
export type Verdict =
  | { readonly asked: true; readonly template: RegisteredTemplate | undefined; readonly misfits: readonly Misfit[] }
  | { readonly asked: false; readonly failure?: Failure }

export interface VerifyDeps {
  readonly adapter: (provider: string) => ProviderAdapter
  readonly capabilities: (connection: Pick<Connection, 'provider'>) => Capabilities | undefined
}

/** @param wanted undefined: only that it may be used at all */
export async function verifyTemplate(
  { adapter, capabilities }: VerifyDeps,
  connection: Connection,
  name: TemplateName,
  wanted: Wanted | undefined,
): Promise<Verdict> {
  if (capabilities(connection)?.templates === 'mapped') return mappedVerdict(connection, name)
  const { listTemplates } = adapter(connection.provider)
  if (!listTemplates) return { asked: false }
  const list = await listTemplates(forProvider(connection), 'name' in name ? name.name : undefined)
  if ('failure' in list) return { asked: false, failure: list.failure }
  const template = list.templates.find((one) => isNamed(one, name))
  if (!('name' in name) && !template) return { asked: true, template, misfits: [unknownId(name.vendorId)] }
  const key = 'name' in name ? name : (template ?? { name: '', language: '' })
  const needed = wanted ?? (template ? whatItHas(template) : { variables: [], buttons: [] })
  return { asked: true, template, misfits: misfits(key, needed, list.templates) }
}

const isNamed = (template: RegisteredTemplate, name: TemplateName): boolean =>
  'name' in name
    ? template.name === name.name && template.language === name.language
    : template.vendorId === name.vendorId

const whatItHas = ({ variables }: RegisteredTemplate): Wanted => ({
  variables: variables.map(({ name }) => name),
  buttons: [],
})

const unknownId = (vendorId: string): Misfit => ({
  text: `The provider has no template with the id ${vendorId}.`,
  fix: 'Copy the id from the template manager, or give name and language.',
})

function mappedVerdict({ templates }: Connection, name: TemplateName): Verdict {
  const key = 'name' in name ? templateKey(name) : name.vendorId
  if (Object.hasOwn(templates, key)) return { asked: true, template: undefined, misfits: [] }
  const text = `Nothing stands for ${key} at this connection.`
  return { asked: true, template: undefined, misfits: [{ text, fix: 'Map it in the "templates" of the connection.' }] }
}
