/**
 * A first message that its provider took and reported as failed in the end: told once more through the fallback
 * connection, as a message of its own, if the account says so. The first one stays failed; its status never goes back.
 */

import { randomBytes } from 'node:crypto'
import type { Connection } from '../accounts/connections.ts'
import type { AccountSettings } from '../accounts/settings.ts'
import type { Content } from '../contract/content.ts'
import type { FailureCode } from '../contract/failures.ts'
import { buttonPayload, parseButtonPayload } from '../conversations/button-payload.ts'
import type { Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'
import type { OutgoingDraft } from './outgoing-message.ts'
import type { OutgoingRecord } from './outgoing-rows.ts'
import { type CanCarry, type IsTemplateUsable, reroute } from './route.ts'

export interface FailoverDeps {
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  readonly connection: (id: number) => Promise<Connection | undefined>
  /** Can this be sent through that connection at all? */
  readonly canCarry: CanCarry
  readonly isTemplateUsable: IsTemplateUsable
  readonly now: () => Date
}

/** The messages that follow from these final failures; those for which nothing follows are left out. */
export async function failovers(
  deps: FailoverDeps,
  tx: Executor,
  failed: readonly OutgoingRecord[],
): Promise<OutgoingDraft[]> {
  const drafts = await Promise.all(failed.filter(isFirstMessage).map((record) => failoverOf(deps, record)))
  const found = drafts.filter((draft) => draft !== undefined)
  if (found.length === 0) return []
  const logs = await statusLogs(
    tx,
    failed.map(({ id }) => id),
  )
  return found.map(({ failedId, ...draft }) => ({ ...draft, statusLogId: logs.get(failedId) }))
}

/** One that was sent again may have arrived by its other attempt, whatever the failed one says. */
const isFirstMessage = (record: OutgoingRecord): boolean =>
  record.rootOutgoingId === null &&
  record.content?.type === 'template' &&
  record.connectionId !== null &&
  !record.possibleDuplicate

type Failover = OutgoingDraft & { readonly failedId: number }

async function failoverOf(deps: FailoverDeps, record: OutgoingRecord): Promise<Failover | undefined> {
  const { fallbackOnFailed } = await deps.settings(record.accountId, record.snapshot.channelId)
  if (!fallbackOnFailed || !record.failureCode) return undefined
  if (record.expiresAt && record.expiresAt <= deps.now()) return undefined
  const from = await deps.connection(record.connectionId ?? 0)
  const fallback =
    from?.fallbackConnectionId === undefined ? undefined : await deps.connection(from.fallbackConnectionId)
  if (!from || !fallback || !deps.canCarry(fallback, record.content)) return undefined
  const template = record.content?.type === 'template' ? record.content.template : undefined
  if (template && !(await deps.isTemplateUsable(fallback.id, template))) return undefined
  const route = reroute({ code: record.failureCode as FailureCode }, from, fallback, record.route.why)
  if (!route) return undefined
  const why = `fallback: message ${record.id} failed through connection ${from.id} (${record.failureCode})`
  return { failedId: record.id, ...draftAgain(record, fallback, why, deps.now()) }
}

function draftAgain(record: OutgoingRecord, { id, businessPhone }: Connection, why: string, now: Date): OutgoingDraft {
  const reference = randomBytes(16).toString('base64url')
  return {
    reference,
    accountId: record.accountId,
    kind: record.kind,
    subject: record.subjectType && record.subjectId ? { type: record.subjectType, id: record.subjectId } : undefined,
    idempotencyKey: failoverKey(record.reference),
    reason: record.reason ?? undefined,
    connectionId: id,
    customerPhone: record.customerPhone ?? undefined,
    customerUserId: record.customerUserId ?? undefined,
    businessPhone,
    templateId: record.templateId ?? undefined,
    content: withReference(record.content, reference),
    snapshot: record.snapshot,
    route: { connectionId: id, why },
    state: 'queued',
    dueAt: now,
    expiresAt: record.expiresAt ?? undefined,
  }
}

/** Idempotency key of the message that takes over from the one with this reference. */
export const failoverKey = (reference: string): string => `failover:${reference}`

/** A tap on a button of the second message belongs to the second conversation. */
function withReference(content: Content | null, reference: string): Content | undefined {
  if (content?.type !== 'template') return undefined
  const buttons = content.buttons.map((payload) => {
    const known = parseButtonPayload(payload)
    return known ? buttonPayload({ ...known, reference }) : payload
  })
  return { ...content, buttons }
}

/** As text: ids of status logs may be larger than a float holds. */
async function statusLogs(tx: Executor, ids: readonly number[]): Promise<Map<number, string>> {
  const head = 'SELECT id, CAST(shipment_status_log_id AS CHAR) AS log FROM wa_outgoing_messages WHERE id'
  const rows = await selectIn<{ id: number; log: string | null }>(tx, head, ids)
  return new Map(rows.flatMap(({ id, log }) => (log === null ? [] : [[Number(id), String(log)] as const])))
}
