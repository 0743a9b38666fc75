/** The environment variables of the registered providers, as their definitions describe them. */

import type { ProviderDefinition } from '../core/contract/provider.ts'
import { providers } from './index.ts'

export interface ProviderVariable {
  readonly variable: string
  readonly help: string
  readonly form: 'url' | RegExp
  readonly default?: string
  /** What the documentation says in place of a default. */
  readonly shown?: string
}

/** Settings of the adapters, then what describes the platform's own connection. */
export const providerVariables = (among: readonly ProviderDefinition[] = providers): ProviderVariable[] => [
  ...among.flatMap(settingVariables),
  ...among.flatMap(platformVariables),
]

const settingVariables = ({ environment: { settings } }: ProviderDefinition): ProviderVariable[] =>
  Object.values(settings).map(({ pattern, ...setting }) => ({ ...setting, form: pattern ?? 'url' }))

const anyText = /^/

function platformVariables({ name, credentialFields, environment }: ProviderDefinition): ProviderVariable[] {
  const { platform } = environment
  if (!platform) return []
  const whose = `Platform's own connection at ${name}`
  const credentials = Object.entries(platform.credentials).map(([key, variable]) => {
    const field = credentialFields.find((candidate) => candidate.name === key)
    return { variable, help: `${whose}: ${field?.label ?? key}`, form: field?.pattern ?? anyText }
  })
  const phone = { variable: platform.businessPhone, help: `${whose}: its phone number, E.164`, form: /^\+\d{6,15}$/ }
  const token = { variable: platform.verifyToken, help: `${whose}: the verify token of its webhook`, form: anyText }
  return [...credentials, { ...phone, shown: 'asked from the provider at start' }, token]
}

/** For each provider with a connection of the platform's: the variables without which it is not described. */
export const platformVariablesNeeded = (): string[][] =>
  providers.flatMap(({ credentialFields, environment: { platform } }) => {
    const needed = credentialFields.flatMap(({ name, required }) => (required && platform?.credentials[name]) || [])
    return needed.length > 0 ? [needed] : []
  })

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
export function adapterSettings({ environment: { settings } }: ProviderDefinition, environment: Environment) {
  const names = Object.entries(settings).map(([key, { variable }]) => [key, variable] as const)
  return pick(Object.fromEntries(names), environment)
}

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
