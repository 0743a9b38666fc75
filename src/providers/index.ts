/** The registry: a provider is its folder and one entry here. */

import type { ProviderDefinition } from '../core/contract/provider.ts'
import { meta } from './meta/definition.ts'
import { twin24 } from './twin24/definition.ts'

const registry = [meta, twin24] as const satisfies readonly ProviderDefinition[]

export type ProviderId = (typeof registry)[number]['id']

export const providers: readonly (ProviderDefinition & { readonly id: ProviderId })[] = registry

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
