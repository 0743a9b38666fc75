/** What is registered, as the rest of the gateway asks for it. */

import type { ProviderDefinition } from '../core/contract/provider.ts'
import * as registry from './registry.ts'

/** In the order of their names in the registry. */
export const providers: readonly ProviderDefinition[] = Object.values(registry)

/** The provider of this id; undefined when there is none. */
export const providerById = (id: string): ProviderDefinition | undefined =>
  providers.find((provider) => provider.id === id)

/** Values of environment variables, by name. */
type Environment = Readonly<Record<string, unknown>>

const pick = (names: Readonly<Record<string, string>>, environment: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(names).flatMap(([key, variable]) => {
      const value = environment[variable]
      return typeof value === 'string' ? [[key, value]] : []
    }),
  )

/** What the installation's environment sets for a provider's adapter. */
export const adapterSettings = ({ environment: names }: ProviderDefinition, environment: Environment) =>
  pick(names.settings, environment)

/** The platform's own connection as the environment describes it; undefined when it does not. */
export function platformConnectionOf(environment: Environment) {
  for (const { id, name, environment: names, senderIdField } of providers) {
    const credentials = pick(names.platform?.credentials ?? {}, environment)
    if (!names.platform || !senderIdField || !credentials[senderIdField]) continue
    const { businessPhone, verifyToken } = pick(
      { businessPhone: names.platform.businessPhone, verifyToken: names.platform.verifyToken },
      environment,
    )
    return { provider: id, name: `${name} (environment)`, credentials, businessPhone: businessPhone ?? '', verifyToken }
  }
  return undefined
}

/** Further paths of platform webhooks -> provider id. */
export const webhookAliases: Readonly<Record<string, string>> = Object.fromEntries(
  providers.flatMap(({ id, environment }) => (environment.webhookAliases ?? []).map((path) => [path, id] as const)),
)
