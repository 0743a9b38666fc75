/** What a connection says of itself, checked against its provider's definition of the fields. */

import { z } from 'zod'
import type { Connection } from '../../core/accounts/connections.ts'
import { type FieldError, fieldErrors } from '../../core/accounts/credential-fields.ts'
import { customerActions } from '../../core/contract/actions.ts'
import type { ProviderDefinition } from '../../core/contract/provider.ts'

const templateKeys = /^[a-z0-9_]{1,512}\.[A-Za-z]{2,3}([_-]\w{2,8})?$/
const keyHelp = 'must be <template name>.<language>, e.g. fdr_otp_cancellation.en'
const most = (entries: number) =>
  [
    (value: object) => Object.keys(value).length <= entries,
    { message: `must have at most ${entries} entries` },
  ] as const

/** The fields of a connection that only providers with `mapped` templates or a dialogue of their own have. */
export const mappingShape = {
  templates: z
    .record(z.string().regex(templateKeys, keyHelp), z.record(z.string(), z.string().min(1).max(128)))
    .refine(...most(200))
    .optional(),
  /** Name of a result -> its value -> what the customer chose by it. */
  dialogueResults: z
    .record(
      z.string().min(1).max(128),
      z.record(z.string().trim().min(1).max(256), z.enum(customerActions)).refine(...most(50)),
    )
    .refine(...most(20))
    .optional(),
}

const mappings = z.object(mappingShape)
type Mappings = z.infer<typeof mappings>

/** What is wrong with the mappings that a connection of this provider is given. */
export function mappingErrors(provider: ProviderDefinition, { templates, dialogueResults }: Mappings): FieldError[] {
  const { capabilities, templateFields = [] } = provider
  const errors: FieldError[] = []
  if (templates && capabilities.templates !== 'mapped')
    errors.push({ path: 'templates', message: 'are found by name at this provider and cannot be mapped' })
  else
    for (const [key, mapping] of Object.entries(templates ?? {}))
      errors.push(...fieldErrors(templateFields, mapping, `templates.${key}`, 'is no field of a template here'))
  if (dialogueResults && capabilities.dialogue !== 'provider')
    errors.push({ path: 'dialogueResults', message: 'this provider carries no dialogue of its own' })
  return errors
}

/** The mappings as the API shows them; nothing for providers that have none. */
export const shownMappings = (provider: ProviderDefinition | undefined, connection: Connection): Mappings => ({
  ...(provider?.capabilities.templates === 'mapped' ? { templates: connection.templates } : {}),
  ...(provider?.capabilities.dialogue === 'provider' ? { dialogueResults: connection.dialogueResults } : {}),
})
