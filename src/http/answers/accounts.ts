/** What belongs to an account: settings, keys, customers. */

import { z } from 'zod'
import { scopes } from '../../core/accounts/api-keys.ts'
import { settingsSchema } from '../../core/accounts/settings-schema.ts'
import { consentTopics } from '../../core/contacts/consent.ts'
import { accountId, asItCame, counts, id, maybeId, maybeText, maybeTime, pageOf, time } from './parts.ts'

/** As they hold, defaults filled in; what nobody set and has no default is absent. */
export const settings = z
  .object({
    accountId,
    accountSlug: z.string().optional(),
    isWhatsappEnabled: z.boolean(),
    whatsappSenderConnectionId: maybeId,
    sender: z.object({ name: z.string(), provider: z.string(), isOwn: z.boolean() }).nullable(),
    defaultCountry: z.string(),
    timezone: z.string(),
    languages: z.array(z.string()),
    templates: z.record(z.string(), z.object({ name: z.string(), language: z.string() })),
    support: z.object({ phone: z.string(), email: z.string() }).partial(),
    quietHours: z.object({ from: z.string(), to: z.string() }).optional(),
    guards: settingsSchema.shape.guards,
    inDoubtPolicy: z.enum(['resend_once', 'never']),
    fallbackOnFailed: z.boolean(),
    portalUrl: z.string().optional(),
    flows: settingsSchema.shape.flows,
  })
  .meta({ id: 'Settings' })

const key = {
  id,
  accountId,
  name: z.string(),
  prefix: z.string(),
  scopes: z.array(z.enum(scopes)),
  createdBy: z.string(),
  expiresAt: maybeTime,
  lastUsedAt: maybeTime,
  revokedAt: maybeTime,
  createdAt: maybeTime,
  state: z.enum(['active', 'expired', 'revoked']),
}
const apiKey = z.object(key).meta({ id: 'ApiKey' })

export const apiKeys = pageOf(apiKey)
/** The one answer that shows the key itself. */
export const newApiKey = z.object({ ...key, key: z.string() }).meta({ id: 'NewApiKey' })
export const revokedApiKey = z.object({ id, state: z.literal('revoked'), stillActive: z.array(apiKey) })

export const audit = pageOf(
  z.object({
    id,
    at: maybeTime,
    actor: z.string(),
    action: z.string(),
    subject: z.object({ type: z.string(), id: z.string() }),
    accountId: accountId.nullable(),
    detail: asItCame,
  }),
)

const consent = z.object({ isWanted: z.boolean(), at: maybeTime, by: maybeText })

export const contact = z
  .object({
    phone: z.string(),
    accounts: z.array(
      z.object({
        accountId,
        name: maybeText,
        consent: z.record(z.enum(consentTopics), consent),
        connections: z.array(z.object({ connectionId: id, lastInboundAt: maybeTime })),
      }),
    ),
  })
  .meta({ id: 'Contact' })

export const erased = z.object({ state: z.enum(['working', 'watching', 'done']), counts, watchedUntil: time })
