/** Sender connections, their templates, and what is right and wrong with them. */

import { z } from 'zod'
import { accountId, asItCame, count, id, listOf, maybeId, maybeText, maybeTime, pageOf, time } from './parts.ts'

/** A JSON Schema of named texts. */
const fields = asItCame

export const providers = listOf(
  z.object({
    id: z.string(),
    name: z.string(),
    capabilities: asItCame,
    credentials: fields,
    template: fields.nullable(),
  }),
)

const shown = {
  id,
  accountId,
  provider: z.string(),
  name: z.string(),
  businessPhone: z.string(),
  limits: z.object({ messagesPerSecond: z.number(), concurrency: z.int() }),
  quality: z.enum(['good', 'medium', 'bad']).nullable(),
  fallbackConnectionId: maybeId,
  state: z.enum(['active', 'paused']),
  stateReason: maybeText,
  managedBy: maybeText,
  numberProvedAt: maybeTime,
  /** Of secrets the last four characters. */
  credentials: z.record(z.string(), z.string()),
  templates: z.record(z.string(), z.record(z.string(), z.string())).optional(),
  dialogueResults: z.record(z.string(), z.record(z.string(), z.string())).optional(),
  /** For callers with the scope `manage`. */
  webhook: z.object({ callbackUrl: z.string(), verifyToken: maybeText }).nullable(),
}

const check = z
  .object({
    name: z.string(),
    ok: z.boolean(),
    detail: z.string(),
    fix: z.string().optional(),
    provesNumber: z.literal(true).optional(),
  })
  .meta({ id: 'Check' })
const checks = z.array(check)

export const connection = z.object(shown).meta({ id: 'Connection' })
export const checkedConnection = z.object({ ...shown, checks }).meta({ id: 'CheckedConnection' })
export const connections = pageOf(connection)

export const connectionEvents = pageOf(
  z.object({
    id,
    connectionId: id,
    accountId,
    topic: z.string(),
    severity: z.enum(['info', 'warning', 'critical']),
    summary: z.string(),
    effects: z.array(asItCame),
    payload: z.unknown(),
    at: maybeTime,
    receivedAt: maybeTime,
  }),
)

export const examination = z.object({ connectionId: id, ok: z.boolean(), checkedAt: time, checks })
export const subscribed = z.object({ subscribed: z.literal(true) })

const key = { name: z.string(), language: z.string() }

const template = z
  .object({
    ...key,
    vendorId: maybeText,
    status: z.string(),
    use: z.enum(['usable', 'not_approved', 'paused']).nullable(),
    category: maybeText,
    quality: maybeText,
    body: maybeText,
    variables: z.array(z.object({ name: z.string(), kind: z.enum(['positional', 'named']) })),
    buttons: z.array(z.object({ type: z.string(), title: z.string() })),
    sentCount: count,
    seenAt: maybeTime,
  })
  .meta({ id: 'Template' })

export const templates = listOf(template).extend({ readAt: maybeTime, problem: maybeText, dueAt: maybeTime })

export const builtInTemplates = listOf(
  z.object({ ...key, variables: z.array(asItCame.or(z.string())), registration: asItCame }),
)

export const registered = listOf(
  z.object({
    ...key,
    result: z.enum(['registered', 'exists', 'refused']),
    status: z.string().optional(),
    detail: z.string().optional(),
  }),
)

export const verdict = z.object({
  ok: z.boolean(),
  problems: z.array(z.object({ text: z.string(), fix: z.string() })),
  /** As it stands at the provider; only of the account's own connections. */
  template: asItCame.nullable().optional(),
})
