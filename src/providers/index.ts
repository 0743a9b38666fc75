/** What is registered, as the rest of the gateway asks for it. */

import type { ProviderDefinition } from '../core/contract/provider.ts'
import * as registry from './registry.ts'

/** In the order of their names in the registry. */
export const providers: readonly ProviderDefinition[] = Object.values(registry)

/** The provider of this id; undefined when there is none. */
export const providerById = (id: string): ProviderDefinition | undefined =>
  providers.find((provider) => provider.id === id)

/** Names under which some provider keeps a secret: no log line shows what is called so. */
export const secretNames: readonly string[] = providers.flatMap(({ credentialFields }) =>
  credentialFields.filter(({ sensitive }) => sensitive).map(({ name }) => name),
)

/** Further paths of platform webhooks -> provider id. */
export const webhookAliases: Readonly<Record<string, string>> = Object.fromEntries(
  providers.flatMap(({ id, environment }) => (environment.webhookAliases ?? []).map((path) => [path, id] as const)),
)
