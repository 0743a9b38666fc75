/** The one reader of `process.env`: every setting of the installation, with its meaning. */

import { z } from 'zod'
import { type ProviderVariable, platformVariablesNeeded, providerVariables } from './providers/environment.ts'

interface Setting {
  readonly schema: z.ZodType
  readonly help: string
  /** As shown in the documentation when it is not a plain default. */
  readonly shown?: string
}

const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/$/, ''))
/** 32 bytes are 43 characters of base64 and one `=`. */
const keyRing = /^[\w-]{1,32}:[A-Za-z0-9+/]{43}=(,[\w-]{1,32}:[A-Za-z0-9+/]{43}=)*$/
/** Of two keys with the same id only one could open what is sealed. */
function hasDistinctIds(ring: string): boolean {
  const ids = ring.split(',').map((entry) => entry.split(':')[0])
  return new Set(ids).size === ids.length
}
const roles = ['http', 'consumers'] as const

const gatewaySettings = {
  DATABASE_URL: {
    schema: z
      .string()
      .regex(/^(sqlite:|mysql:\/\/)/, 'must start with sqlite: or mysql://')
      .default('sqlite:./data/gateway.sqlite'),
    help: 'Where everything is kept: `sqlite:<file>` or `mysql://user:password@host:port/database` (MySQL 8, MariaDB 10.6+)',
  },
  AMQP_URL: {
    schema: z
      .string()
      .regex(/^amqps?:\/\//, 'must start with amqp:// or amqps://')
      .optional(),
    help: 'RabbitMQ; without it events come by HTTP and activity events are read from the API',
  },
  PORT: { schema: z.coerce.number().int().min(0).max(65535).default(8080), help: 'Port of the HTTP server' },
  PUBLIC_URL: {
    schema: url.optional(),
    help: 'How customers and providers reach this server',
    shown: 'http://localhost:PORT',
  },
  ROLES: {
    schema: z
      .string()
      .default('http,consumers')
      .transform((text) => text.split(',').map((role) => role.trim()))
      .pipe(z.array(z.enum(roles)).min(1)),
    help: 'What this process does: `http`, `consumers` or both',
  },
  SECRETS_KEYS: {
    schema: z
      .string()
      .regex(keyRing, 'must be <keyId>:<base64 of 32 bytes>[,…]')
      .refine(hasDistinctIds, 'has two keys of the same id')
      .optional(),
    help: 'Key ring for stored secrets, `<keyId>:<base64 of 32 bytes>[,…]`; the first encrypts, all decrypt',
    shown: 'embedded: made at first start in ./data',
  },
  ADMIN_API_KEY: {
    schema: z.string().min(16, 'must have at least 16 characters').optional(),
    help: 'Bearer key of the administrator',
    shown: 'embedded: made at first start in ./data',
  },
  CLIENT_REQUESTS_PER_SECOND: {
    schema: z.coerce.number().int().min(1).max(10_000).default(50),
    help: "Requests that one client's key may make in a second, of each process",
  },
  DRAIN_SECONDS: {
    schema: z.coerce.number().int().min(0).max(30).default(0),
    help: 'How long a process that is asked to stop still answers, having said that it is not ready: longer than load balancers take to see it',
  },
  LOG_LEVEL: {
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
    help: 'Least level that is logged',
  },
  NDR_API_URL: {
    schema: url.optional(),
    help: 'Courier side: receives the decisions of customers; without it they are kept',
  },
  INTEGRATION_ENGINE_URL: {
    schema: url.optional(),
    help: "The platform's integration engine: its connections are mirrored here (docs/integration-engine.md)",
  },
  INTEGRATION_ENGINE_KEY: {
    schema: z.string().min(1).optional(),
    help: 'Bearer key for the integration engine, where it asks for one',
  },
  WMS_DATABASE_URL: {
    schema: z
      .string()
      .regex(/^mysql:\/\//, 'must start with mysql://')
      .optional(),
    help: 'Database of the warehouse system, only read: order details for messages whose event brought none (docs/wms-look-up.md)',
  },
  PORTAL_URL: {
    schema: url.optional(),
    help: 'Customer portal that tracked links lead to, where an account names none',
  },
  RETENTION_DAYS: {
    schema: z.coerce.number().int().min(7).max(3_650).default(30),
    help: 'Days after which message bodies and personal data are cleared (docs/privacy.md)',
  },
  METADATA_RETENTION_DAYS: {
    schema: z.coerce.number().int().min(7).max(36_500).default(395),
    help: 'Days after which what is left of messages, reports, replies and events is deleted; at least `RETENTION_DAYS`',
  },
  ENABLE_WHATSAPP_NOTIFICATIONS: {
    schema: z
      .enum(['true', 'false', '1', '0'])
      .default('true')
      .transform((text) => text === 'true' || text === '1'),
    help: "Switch of the whole installation, above every account's own",
  },
} as const satisfies Record<string, Setting>

const settingOf = ({ form, default: given, help, shown }: ProviderVariable): Setting => {
  const text = form === 'url' ? url : z.string().regex(form)
  const schema = given === undefined ? text.optional() : text.default(given)
  return { schema, help, ...(shown === undefined ? {} : { shown }) }
}

/** Every variable; the README's table is made from this. */
export const settings: Readonly<Record<string, Setting>> = {
  ...gatewaySettings,
  ...Object.fromEntries(providerVariables().map((variable) => [variable.variable, settingOf(variable)])),
}

type GatewaySettings = typeof gatewaySettings
/** The gateway's own settings; those of providers are beside them, under the names that their definitions give. */
export type Env = { readonly [Name in keyof GatewaySettings]: z.output<GatewaySettings[Name]['schema']> }

/** All that is wrong with the environment, a line each. */
export class EnvError extends Error {
  override readonly name = 'EnvError'
}

/**
 * Reads the environment.
 * @throws {EnvError} that names every problem at once
 */
export function readEnv(source: Readonly<Record<string, string | undefined>>): Env {
  const shape = Object.fromEntries(Object.entries(settings).map(([name, { schema }]) => [name, schema]))
  const given = Object.fromEntries(Object.entries(source).filter(([name, value]) => name in settings && value !== ''))
  const result = z.object(shape).safeParse(given)
  const problems = result.success
    ? []
    : result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message.replace(/^Invalid input: /, '')}`)
  problems.push(...together(given))
  if (result.success) problems.push(...inOrder(result.data as Env))
  if (!result.success || problems.length > 0) throw new EnvError(problems.join('\n'))
  return Object.freeze(result.data) as Env
}

/** The platform's connection is described whole or not at all. */
const together = (given: Readonly<Record<string, string | undefined>>): string[] =>
  platformVariablesNeeded().flatMap((needed) => {
    const missing = needed.filter((name) => given[name] === undefined)
    if (missing.length === needed.length) return []
    return missing.map((name) => `${name}: is missing, since other variables of the platform's connection are set`)
  })

/** Personal data must not outlive what they belong to. */
const inOrder = ({ RETENTION_DAYS, METADATA_RETENTION_DAYS }: Env): string[] =>
  METADATA_RETENTION_DAYS < RETENTION_DAYS ? ['METADATA_RETENTION_DAYS: must not be less than RETENTION_DAYS'] : []

/** Reads a `.env` file beside the process into its environment; what is set already wins. */
export function loadDotEnv(load: (path: string) => void = process.loadEnvFile): void {
  try {
    load('.env')
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error
  }
}

/** The table of the README: one line per variable. */
export function envTable(): string {
  const rows = Object.entries(settings).map(([name, { help, schema, shown }]) => {
    return `| \`${name}\` | ${shown ?? defaultOf(schema)} | ${help} |`
  })
  return ['| variable | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

/** `.env.example`: every variable, commented out, with its meaning. */
export function envExample(): string {
  const entries = Object.entries(settings).map(([name, { help, schema }]) => {
    return `# ${help}\n#${name}=${defaultOf(schema).replaceAll('`', '')}\n`
  })
  return `# Copy to .env and set what you need; what is set in the environment already wins.\n\n${entries.join('\n')}`
}

function defaultOf(schema: z.ZodType): string {
  const empty = schema.safeParse(undefined)
  return empty.success && empty.data !== undefined ? `\`${String(empty.data)}\`` : ''
}
