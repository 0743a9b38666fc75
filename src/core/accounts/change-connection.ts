/** Writes sender connections, each change together with its audit entry. */

import { randomBytes } from 'node:crypto'
import { changesBetween, writeAudit } from '../audit/audit-log.ts'
import type { ProviderDefinition } from '../contract/provider.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, updateRows } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import type { ConnectionRef } from './connection-reader.ts'
import { type ConnectionRow, connectionSelect, fromRow, newKeys, senderIdOf, toColumns } from './connection-rows.ts'
import type { Connection, ConnectionDraft } from './connections.ts'
import { settleNumber } from './number-proof.ts'
import type { SecretBox } from './secret-box.ts'

export interface ChangeDeps {
  readonly database: Database
  readonly secrets: SecretBox
  readonly providerById: (id: string) => ProviderDefinition | undefined
  readonly now: () => Date
}

type Credentials = Readonly<Record<string, string>>

/** Values to set, field by field; null takes a field away. */
export type CredentialChanges = Readonly<Record<string, string | null>>

export interface RowChanges extends Partial<ConnectionDraft> {
  /** As a whole. Who changes the account must give them with it: they are sealed for both. */
  readonly credentials?: Credentials
  readonly state?: 'active' | 'paused' | 'deleted'
}

/** Changes to credentials that stand in the row when it is written; throws where what comes of it cannot be used. */
export type MergeCredentials = (before: Credentials) => Credentials

export const mergeCredentials = (before: Credentials, changes: CredentialChanges): Credentials =>
  Object.fromEntries(
    Object.entries({ ...before, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null),
  )

const maxConnections = 100

export class TooManyConnectionsError extends Error {
  override readonly name = 'TooManyConnectionsError'
  constructor() {
    super(`an account has ${maxConnections} connections at most; delete one that is not needed any more`)
  }
}

/** 24 bytes are 32 characters of base64url. */
const webhookKeyBytes = 24

/** What was written, and what became of others by it. */
export interface Written extends ConnectionRef {
  /** Connections that had the number, and lost it to one that proved it. */
  readonly setAside: readonly ConnectionRef[]
}

/**
 * @throws {TooManyConnectionsError}
 * @throws {SenderTakenError}
 */
export function insertConnection(deps: ChangeDeps, draft: ConnectionDraft, actor: string): Promise<Written> {
  const now = deps.now()
  const webhookKey = randomBytes(webhookKeyBytes).toString('base64url')
  const senderId = senderIdOf(draft, deps)
  const isNumberProved = senderId !== undefined && draft.provedSenderId === senderId
  const values = {
    ...toColumns(draft, webhookKey, deps),
    ...newKeys(draft, webhookKey, now),
    number_proved_at: isNumberProved ? sqlTime(now) : null,
  }
  return deps.database.transaction(async (tx) => {
    await assertRoom(tx, draft.accountId)
    await insertRows(tx, 'wa_connections', [values])
    const [row] = await tx.select<{ id: number }>('SELECT id FROM wa_connections WHERE webhook_key = $1', [webhookKey])
    if (!row) throw new Error('the connection that was just created is not there')
    const { accountId, provider } = draft
    const subject = { subjectType: 'connection', subjectId: String(row.id), accountId }
    const after = { provider, ...factsOf({ ...draft, state: 'active' }), credentials: Object.keys(draft.credentials) }
    await writeAudit(tx, { actor, action: 'connection.create', ...subject, detail: { before: null, after } }, now)
    return {
      id: row.id,
      accountId,
      setAside: await settleNumber(tx, deps, { ...row, accountId, provider, senderId, isNumberProved }),
    }
  })
}

async function assertRoom(tx: Executor, accountId: number): Promise<void> {
  const [count] = await tx.select<{ n: number }>(
    "SELECT COUNT(*) AS n FROM wa_connections WHERE account_id = $1 AND state <> 'deleted'",
    [accountId],
  )
  if (Number(count?.n) >= maxConnections) throw new TooManyConnectionsError()
}

/**
 * @returns undefined when there is no such connection any more
 * @throws {SenderTakenError}
 */
export const updateConnection = (
  deps: ChangeDeps,
  id: number,
  given: RowChanges,
  actor: string,
  merge?: MergeCredentials,
): Promise<Written | undefined> =>
  deps.database.transaction(async (tx) => {
    const existing = await lockConnection(tx, deps, id)
    if (!existing || existing.state === 'deleted') return undefined
    const changes = merge ? { ...given, credentials: merge(existing.credentials) } : given
    const state = stateAfter(existing, changes)
    const number = numberAfter(existing, changes, deps)
    const columns = { ...columnsOf(existing, changes, deps), ...number.columns, ...(state ? stateColumns[state] : {}) }
    await updateRows(tx, 'wa_connections', [{ id, ...columns, updated_at: sqlTime(deps.now()) }])
    await noteChange(tx, deps, existing, { ...changes, ...(state ? { state } : {}) }, actor)
    const setAside = state === 'active' ? await settleNumber(tx, deps, number.claimant) : []
    return { id, accountId: existing.accountId, setAside }
  })

/** New credentials end a pause. One by hand would hide that somebody else proved the number. */
function stateAfter(existing: Connection, { state, credentials }: RowChanges): RowChanges['state'] {
  if (state === 'paused' && existing.isSetAside) return undefined
  return state ?? (credentials ? 'active' : undefined)
}

/** A proof holds for as long as the number is the same; whether another one has it is asked before it is used again. */
function numberAfter(existing: Connection, changes: RowChanges, deps: ChangeDeps) {
  const { id, provider, senderId: before } = existing
  const accountId = changes.accountId ?? existing.accountId
  const senderId = changes.credentials ? senderIdOf({ ...existing, ...changes }, deps) : before
  const provedAt = senderId === before ? existing.numberProvedAt : undefined
  const isNew = !provedAt && senderId !== undefined && changes.provedSenderId === senderId
  const at = isNew ? deps.now() : provedAt
  const claimant = { id, accountId, provider, senderId, isNumberProved: at !== undefined }
  return { claimant, columns: { number_proved_at: sqlTime(at) } }
}

async function lockConnection(tx: Executor, deps: ChangeDeps, id: number): Promise<Connection | undefined> {
  const sql = `${connectionSelect} WHERE id = $1${deps.database.forUpdate}`
  const [row] = await tx.select<ConnectionRow>(sql, [id])
  return row && fromRow(row, deps)
}

const stateColumns = {
  active: { state: 'active', state_reason: null, blocked_until: null },
  paused: { state: 'paused', state_reason: 'by hand', blocked_until: null },
  deleted: { state: 'deleted', state_reason: null, blocked_until: null },
} as const

/** Credentials that were not given stay as they are sealed: they may be ones that nobody here can open. */
function columnsOf(existing: Connection, changes: RowChanges, deps: ChangeDeps) {
  const draft = { ...existing, limits: existing.ownLimits, ...changes }
  const { credentials, sender_id, ...others } = toColumns(draft, existing.webhookKey, deps)
  return changes.credentials ? { credentials, sender_id, ...others } : others
}

async function noteChange(
  tx: Executor,
  { now }: ChangeDeps,
  existing: Connection,
  changes: RowChanges,
  actor: string,
): Promise<void> {
  const facts = { ...existing, limits: existing.ownLimits }
  const { before, after } = changesBetween(factsOf(facts), factsOf({ ...facts, ...changes }))
  const credentials = changedNames(existing.credentials, changes.credentials ?? existing.credentials)
  // The environment's connection is entered at every start.
  if (Object.keys(after).length === 0 && credentials.length === 0) return
  const subject = { subjectType: 'connection', subjectId: String(existing.id), accountId: existing.accountId }
  const detail = { before, after: { ...after, ...(credentials.length > 0 ? { credentials } : {}) } }
  const action = changes.state === 'deleted' ? 'connection.delete' : 'connection.change'
  await writeAudit(tx, { actor, action, ...subject, detail }, now())
}

type Facts = Pick<ConnectionDraft, 'name' | 'businessPhone' | 'limits' | 'fallbackConnectionId'> &
  Pick<ConnectionDraft, 'templates' | 'dialogueResults'> & { readonly state?: Connection['state'] | undefined }

/** What the audit tells of a connection. Of credentials only which ones were set: nothing of what they are. */
const factsOf = ({ name, businessPhone, limits, fallbackConnectionId, templates, dialogueResults, state }: Facts) => ({
  name,
  businessPhone,
  limits: limits ?? null,
  fallbackConnectionId: fallbackConnectionId ?? null,
  templates: templates ?? {},
  dialogueResults: dialogueResults ?? {},
  state,
})

const changedNames = (before: Credentials, after: Credentials): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => before[name] !== after[name])
