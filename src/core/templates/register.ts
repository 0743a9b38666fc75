/** Registers the built-in templates at a client's own account: what exists is left alone, so it may be asked again. */

import { type Connection, forProvider } from '../accounts/connections.ts'
import type { Failure } from '../contract/failures.ts'
import type { ProviderAdapter } from '../contract/provider.ts'
import type { Registration, RegistrationForm } from '../contract/templates.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'

export interface RegisteredBuiltIn {
  readonly name: string
  readonly language: string
  readonly registration: Registration
}

/** Undefined when the provider keeps no templates that could be registered. */
export async function registerBuiltIns(
  adapter: ProviderAdapter,
  catalog: TemplateCatalog,
  connection: Connection,
  languages: readonly string[],
): Promise<RegisteredBuiltIn[] | undefined> {
  const { registerTemplate } = adapter
  if (!registerTemplate) return undefined
  const results: RegisteredBuiltIn[] = []
  let hopeless: Failure | undefined
  for (const form of formsOf(catalog, languages)) {
    const { name, language } = form
    const registration: Registration = hopeless
      ? { result: 'refused', failure: hopeless }
      : await registerTemplate(form, forProvider(connection))
    if (registration.result === 'refused' && isOfTheWhole(registration.failure)) hopeless = registration.failure
    results.push({ name, language, registration })
  }
  return results
}

/** A language without a version of its own would register another one's text again. */
function formsOf(catalog: TemplateCatalog, languages: readonly string[]): RegistrationForm[] {
  const forms = catalog.keys.flatMap((key) => languages.map((language) => catalog.registrationForm(key, language)))
  return [...new Map(forms.map((form) => [`${form.name}.${form.language}`, form])).values()]
}

/** What one of them is refused for, the next one will be, too. */
const isOfTheWhole = ({ code }: Failure): boolean =>
  code === 'credentials_invalid' ||
  code === 'permission_missing' ||
  code === 'connection_unreachable' ||
  code === 'connection_throttled'
