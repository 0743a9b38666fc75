/** docs/providers.md: what a connection of each provider is entered with, made from the definitions. */

import type { Capabilities, CredentialField, ProviderDefinition } from '../../src/core/contract/provider.ts'
import { providerVariables } from '../../src/providers/environment.ts'

const intro = `# Providers

Made from the definitions in \`src/providers\` by \`npm run docs\`. A connection is created by \`POST /v1/connections\` with
these credentials; what is secret is never shown again but for its last four characters. \`GET /v1/providers\` tells the
same as JSON Schema, for whoever builds a form. How to add a provider: [add-a-provider.md](add-a-provider.md).`

/** The whole page. */
export const providersPage = (providers: readonly ProviderDefinition[]): string =>
  `${[intro, ...providers.map(section)].join('\n\n')}\n`

function section(provider: ProviderDefinition): string {
  const { id, name, capabilities, credentialFields, templateFields = [], defaultLimits } = provider
  const limits = `${defaultLimits.messagesPerSecond} messages a second, ${defaultLimits.concurrency} at a time`
  const parts = [
    `## ${name}`,
    `\`"provider": "${id}"\`; at first ${limits}.`,
    fieldTable('credential', credentialFields),
    ...(templateFields.length > 0 ? [fieldTable('of each template', templateFields)] : []),
    variableTable(provider),
    capabilityTable(capabilities),
  ]
  return parts.join('\n\n')
}

const fieldTable = (heading: string, fields: readonly CredentialField[]): string =>
  table(
    [heading, 'needed', 'secret', 'what it is'],
    fields.map(({ name, label, help, required, sensitive, togetherWith }) => [
      `\`${name}\``,
      required ? 'yes' : togetherWith ? `with \`${togetherWith}\`` : 'no',
      sensitive ? 'yes' : 'no',
      `${label}. ${help}`,
    ]),
  )

const variableTable = (provider: ProviderDefinition): string =>
  table(
    ['variable', 'default', 'what it is'],
    providerVariables([provider]).map(({ variable, help, default: given, shown }) => [
      `\`${variable}\``,
      shown ?? (given === undefined ? '' : `\`${given}\``),
      help,
    ]),
  )

const capabilityTable = (capabilities: Capabilities): string =>
  table(
    ['capability', 'here'],
    Object.entries(capabilities).map(([name, value]) => [`\`${name}\``, `\`${String(value)}\``]),
  )

const table = (heading: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heading, heading.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
