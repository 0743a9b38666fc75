/** Sender connections as rows: what is read of them, and what is written. */

import { randomBytes } from 'node:crypto'
import type { DialogueResults, ProviderDefinition, TemplateMappings } from '../contract/provider.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'
import type { Connection, ConnectionDraft } from './connections.ts'
import { effectiveLimits, type Limits, type SenderQuality } from './limits.ts'
import { setAsideReason } from './number-proof.ts'
import { openCredentials, sealCredentials } from './sealed-credentials.ts'
import type { SecretBox } from './secret-box.ts'

interface RowDeps {
  readonly secrets: SecretBox
  readonly providerById: (id: string) => ProviderDefinition | undefined
}

/** Start of every SELECT whose rows {@link fromRow} reads. */
export const connectionSelect =
  'SELECT id, account_id, provider, name, sender_id, business_phone, webhook_key, verify_token, credentials, limits, ' +
  'fallback_connection_id, state, state_reason, echoed_until, managed_by, quality, reported_limits, ' +
  'template_mappings, dialogue_results, kept_reference, kept_at, number_proved_at FROM wa_connections'

export interface ConnectionRow {
  id: number
  account_id: number
  provider: string
  name: string
  sender_id: string | null
  business_phone: string
  webhook_key: string
  verify_token: string
  credentials: string
  limits: string | null
  fallback_connection_id: number | null
  state: Connection['state']
  state_reason: string | null
  echoed_until: string | null
  managed_by: string | null
  quality: SenderQuality | null
  reported_limits: string | null
  template_mappings: string | null
  dialogue_results: string | null
  kept_reference: string | null
  kept_at: string | null
  number_proved_at: string | null
}

/** A row as core knows it, its credentials opened. */
export function fromRow(row: ConnectionRow, { secrets, providerById }: RowDeps): Connection {
  const credentials = opened(row, secrets)
  const provider = providerById(row.provider)
  const own = limitsIn(row.limits)
  return {
    id: row.id,
    accountId: row.account_id,
    provider: row.provider,
    name: row.name,
    senderId: row.sender_id ?? undefined,
    vendorAccountId: credentials?.[provider?.vendorAccountIdField ?? ''],
    businessPhone: row.business_phone,
    webhookKey: row.webhook_key,
    verifyToken: row.verify_token,
    credentials: credentials ?? {},
    templates: row.template_mappings ? (JSON.parse(row.template_mappings) as TemplateMappings) : {},
    dialogueResults: row.dialogue_results ? (JSON.parse(row.dialogue_results) as DialogueResults) : {},
    keptReference: keptIn(row),
    limits: effectiveLimits(provider?.defaultLimits, own, limitsIn(row.reported_limits), row.quality),
    ownLimits: own,
    quality: row.quality ?? undefined,
    fallbackConnectionId: row.fallback_connection_id ?? undefined,
    // What nobody can open cannot send; the rest goes on.
    state: credentials ? row.state : 'paused',
    stateReason: credentials ? (row.state_reason ?? undefined) : 'its credentials cannot be opened with the key ring',
    echoedUntil: fromSqlTime(row.echoed_until) ?? undefined,
    managedBy: row.managed_by ?? undefined,
    numberProvedAt: fromSqlTime(row.number_proved_at) ?? undefined,
    isSetAside: row.state === 'paused' && row.state_reason === setAsideReason,
  }
}

function keptIn({ kept_reference: reference, kept_at }: ConnectionRow): Connection['keptReference'] {
  const at = fromSqlTime(kept_at)
  return reference && at ? { reference, at } : undefined
}

const limitsIn = (json: string | null) => (json ? (JSON.parse(json) as Partial<Limits>) : undefined)

/** Undefined when the key that sealed them is not in the ring, or the row was tampered with. */
function opened(row: ConnectionRow, secrets: SecretBox): Record<string, string> | undefined {
  try {
    return openCredentials(row, secrets)
  } catch {
    return undefined
  }
}

/** The vendor's id of the number that these credentials are for. */
export function senderIdOf(
  { provider, credentials }: ConnectionDraft,
  { providerById }: Pick<RowDeps, 'providerById'>,
): string | undefined {
  const field = providerById(provider)?.senderIdField
  return field === undefined ? undefined : credentials[field]
}

/** What a draft sets of a row, its credentials sealed. */
export function toColumns(draft: ConnectionDraft, webhookKey: string, deps: RowDeps) {
  const owner = { account_id: draft.accountId, webhook_key: webhookKey }
  return {
    account_id: draft.accountId,
    provider: draft.provider,
    name: draft.name,
    sender_id: senderIdOf(draft, deps) ?? null,
    business_phone: draft.businessPhone,
    credentials: sealCredentials(owner, draft.credentials, deps.secrets),
    template_mappings: jsonOf(draft.templates),
    dialogue_results: jsonOf(draft.dialogueResults),
    limits: draft.limits ? JSON.stringify(draft.limits) : null,
    fallback_connection_id: draft.fallbackConnectionId ?? null,
    managed_by: draft.managedBy ?? null,
    ...(draft.verifyToken ? { verify_token: draft.verifyToken } : {}),
  }
}

const jsonOf = (entries: object | undefined): string | null =>
  entries && Object.keys(entries).length > 0 ? JSON.stringify(entries) : null

/** Whoever enters a connection usually goes on with it at once, and may have to correct it. */
const firstReadingMs = 60_000

/** What a row gets once. */
export const newKeys = (draft: ConnectionDraft, webhookKey: string, now: Date) => ({
  webhook_key: webhookKey,
  verify_token: draft.verifyToken ?? randomBytes(18).toString('base64url'),
  state: 'active',
  templates_due_at: sqlTime(new Date(now.getTime() + firstReadingMs)),
  created_at: sqlTime(now),
  updated_at: sqlTime(now),
})
