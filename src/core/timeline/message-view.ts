/** A message as the API shows it. */

import { type FailureCode, failureKinds } from '../contract/failures.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import { statusOf } from '../sending/outgoing-message.ts'
import { isKeptForMorning, type OutgoingRecord } from '../sending/outgoing-rows.ts'

export interface ViewDeps {
  readonly catalog: TemplateCatalog
  readonly providerOf: (connectionId: number) => Promise<string | undefined>
}

/** A message as API.md describes it. */
export async function messageView({ catalog, providerOf }: ViewDeps, record: OutgoingRecord): Promise<object> {
  const { content } = record
  return {
    id: String(record.id),
    reference: record.reference,
    kind: record.kind,
    state: record.state,
    status: statusOf(record),
    accountId: record.accountId,
    connectionId: record.connectionId === null ? null : String(record.connectionId),
    provider: record.connectionId === null ? null : ((await providerOf(record.connectionId)) ?? null),
    customerPhone: record.customerPhone,
    businessPhone: record.businessPhone,
    messageId: record.messageId,
    rootMessageId: record.rootMessageId,
    reason: record.reason,
    template: content?.type === 'template' ? content.template : null,
    subject: record.subjectId === null ? null : { type: record.subjectType, id: record.subjectId },
    orderNumber: record.snapshot.orderNumber ?? null,
    // What its kind tells besides, e.g. the tenant of a purchase order.
    details: record.snapshot.details ?? null,
    createdBy: record.createdBy,
    references: record.snapshot.references ?? null,
    eta: record.snapshot.eta ?? null,
    text: textOf(catalog, record),
    route: { connectionId: record.connectionId === null ? null : String(record.connectionId), why: record.route.why },
    failure: failureOf(record),
    attempts: record.attempts - record.givenBack,
    ...waitOf(record),
    createdAt: record.createdAt,
    acceptedAt: record.acceptedAt,
    sentAt: record.sentAt,
    deliveredAt: record.deliveredAt,
    readAt: record.readAt,
    failedAt: record.failedAt,
  }
}

/** Until when it waits, and for what; a message whose turn has come waits for nothing but its connection. */
function waitOf(record: OutgoingRecord): { waitingUntil: Date | null; waitingFor: string | null } {
  if (isKeptForMorning(record)) return { waitingUntil: record.dueAt, waitingFor: 'quiet_hours' }
  const isTried = record.state === 'waiting'
  return { waitingUntil: isTried ? record.dueAt : null, waitingFor: isTried ? 'next_attempt' : null }
}

/** What the recipient reads. Of an account's own template only the values are known. */
export function textOf(catalog: TemplateCatalog, { content }: OutgoingRecord): string | null {
  if (!content) return null
  if (content.type !== 'template') return content.text
  const { name, language } = content.template
  if (!catalog.keys.includes(name)) return Object.values(content.values).join(' | ')
  return catalog.template(name, language).render(content.values)
}

function failureOf({ failureCode, failureReason }: OutgoingRecord): object | null {
  if (!failureCode) return null
  const kind = failureKinds[failureCode as FailureCode]
  const [vendorCode] = /^\d+(\/\d+)?\b/.exec(failureReason ?? '') ?? []
  return {
    code: failureCode,
    vendorCode: vendorCode ?? null,
    detail: [kind?.text, failureReason].filter(Boolean).join(' '),
  }
}
