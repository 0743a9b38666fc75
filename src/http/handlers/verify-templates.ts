import type { Connection } from '../../core/accounts/connections.ts'
import type { SettingsInput } from '../../core/accounts/settings-schema.ts'
import type { TemplateCatalog } from '../../core/notifications/template-catalog.ts'
import { type VerifyDeps, verifyTemplate } from '../../core/templates/verify.ts'
import { wantedFor } from '../../core/templates/wanted.ts'
import { type FieldError, HttpProblem } from '../problem.ts'
import { unanswered } from './templates.ts'

export interface VerifyTemplatesDeps extends VerifyDeps {
  readonly catalog: TemplateCatalog
}

const storeAnyway = 'Repeat the call later, or with ?verify=false to store it unverified.'

/**
 * Asks the provider of the connection about each template that an account names.
 * @throws {HttpProblem} 422 with a sentence for each thing that is wrong; 503 when the provider does not answer now
 */
export async function assertTemplates(
  deps: VerifyTemplatesDeps,
  connection: Connection | undefined,
  { templates = {} }: SettingsInput,
): Promise<void> {
  const named = Object.entries(templates)
  if (named.length === 0) return
  if (!connection)
    throw new HttpProblem(422, `There is no connection at which the templates could be verified. ${storeAnyway}`)
  const errors: FieldError[] = []
  for (const [reason, template] of named) {
    const wanted = wantedFor(deps.catalog, reason, template.language)
    const verdict = await verifyTemplate(deps, connection, template, wanted)
    if (!verdict.asked && verdict.failure) throw unanswered(verdict.failure, storeAnyway)
    if (!verdict.asked) continue
    errors.push(...verdict.misfits.map(({ text, fix }) => ({ path: `templates.${reason}`, message: `${text} ${fix}` })))
  }
  if (errors.length > 0) throw new HttpProblem(422, 'the templates cannot be used', { errors })
}
