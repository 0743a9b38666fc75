/** One connection as the integration engine tells it. */

import { z } from 'zod'
import type { Connection, ConnectionDraft } from '../accounts/connections.ts'
import { fieldErrors } from '../accounts/credential-fields.ts'
import type { ProviderDefinition } from '../contract/provider.ts'

const prefix = 'engine/'

/** Is it a mirror of one at the integration engine? */
export const isMirrored = ({ managedBy }: Pick<Connection, 'managedBy'>): boolean =>
  managedBy?.startsWith(prefix) ?? false

const text = (most: number) => z.string().min(1).max(most)

/** Fields that are not known are left aside. */
const entrySchema = z.object({
  id: z.union([text(128), z.int().nonnegative()]).transform(String),
  accountId: z.int().positive().max(2_147_483_647),
  provider: text(32),
  name: text(128),
  businessPhone: z.string().regex(/^\+\d{6,15}$/),
  credentials: z.record(z.string(), text(4_096)),
  templates: z.record(text(528), z.record(z.string(), text(128))).default({}),
  limits: z
    .object({ messagesPerSecond: z.number().positive().max(10_000), concurrency: z.int().min(1).max(1_000) })
    .partial()
    .optional(),
})

export type EngineDraft = ConnectionDraft & { readonly managedBy: string }

export interface EntryProblem {
  /** The engine's id; null when it told none. */
  readonly id: string | null
  /** A sentence for an operator; never a value of a credential. */
  readonly problem: string
}

export type EngineEntry = { readonly draft: EngineDraft } | EntryProblem

export const managedByOf = (id: string): string => prefix + id
export const engineIdOf = (managedBy: string): string => managedBy.slice(prefix.length)

/** What an entry stands for, or what is wrong with it. */
export function readEntry(entry: unknown, providerById: (id: string) => ProviderDefinition | undefined): EngineEntry {
  const result = entrySchema.safeParse(entry)
  if (!result.success) return { id: idIn(entry), problem: problemsIn(result.error) }
  const { id, ...draft } = result.data
  const provider = providerById(draft.provider)
  if (!provider) return { id, problem: 'its provider is not known here' }
  const errors = fieldErrors(provider.credentialFields, draft.credentials, 'credentials', 'is no credential here')
  if (errors.length > 0) return { id, problem: errors.map(({ path, message }) => `${path} ${message}`).join('; ') }
  return { draft: { ...draft, managedBy: managedByOf(id) } }
}

function idIn(entry: unknown): string | null {
  const { id } = (entry ?? {}) as { readonly id?: unknown }
  return typeof id === 'string' || typeof id === 'number' ? String(id).slice(0, 128) : null
}

const problemsIn = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message.replace(/^Invalid input: /, '')}`).join('; ')
