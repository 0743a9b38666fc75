/** What connections are entered with, for whoever builds a form: JSON Schema, made from the providers' definitions. */

import type { CredentialField, ProviderDefinition } from '../../core/contract/provider.ts'
import type { Reply } from '../route.ts'

export const createProviderHandlers = (providers: readonly ProviderDefinition[]) => ({
  async list(): Promise<Reply> {
    return { status: 200, body: { items: providers.map(shownProvider) } }
  },
})

const shownProvider = ({ id, name, capabilities, credentialFields, templateFields }: ProviderDefinition) => ({
  id,
  name,
  capabilities,
  credentials: fieldsSchema(credentialFields),
  /** Of one template; null where templates are found by name. */
  template: templateFields ? fieldsSchema(templateFields) : null,
})

/** A JSON Schema of named texts; `writeOnly` marks what is never shown again. */
const fieldsSchema = (fields: readonly CredentialField[]) => ({
  type: 'object',
  properties: Object.fromEntries(fields.map((field) => [field.name, propertyOf(field)])),
  required: fields.filter(({ required }) => required).map(({ name }) => name),
  dependentRequired: Object.fromEntries(
    fields.flatMap(({ name, togetherWith }) => (togetherWith === undefined ? [] : [[name, [togetherWith]]])),
  ),
  additionalProperties: false,
})

const propertyOf = ({ label, help, pattern, sensitive, default: given }: CredentialField) => ({
  type: 'string',
  title: label,
  description: help,
  ...(pattern ? { pattern: pattern.source } : {}),
  ...(given === undefined ? {} : { default: given }),
  writeOnly: sensitive,
})
