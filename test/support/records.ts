/** A message as core reads it, for tests of pure rules. */

import type { OutgoingRecord } from '../../src/core/sending/outgoing-rows.ts'

export const recordedAt = new Date('2026-06-20T06:00:00.000Z')

/** A first message that nobody has tried to send yet. */
export const aRecord = (changes: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  id: 57,
  reference: 'AbCdEfGhIjKlMnOpQrSt_-',
  accountId: 379,
  kind: 'fdr',
  subjectType: 'shipment',
  subjectId: '17148471',
  reason: 'customer_unavailable',
  connectionId: 1,
  customerPhone: '+919810012345',
  customerUserId: null,
  businessPhone: '+911140001234',
  templateId: null,
  rootMessageId: null,
  rootOutgoingId: null,
  contextMessageId: null,
  messageId: null,
  content: null,
  snapshot: { orderNumber: '#98079' },
  route: { connectionId: 1, why: "account's own connection" },
  state: 'sending',
  statusRank: 1,
  attempts: 1,
  possibleDuplicate: false,
  absences: 0,
  dueAt: null,
  expiresAt: null,
  acceptedAt: null,
  sentAt: null,
  deliveredAt: null,
  readAt: null,
  failedAt: null,
  failureCode: null,
  failureReason: null,
  createdAt: recordedAt,
  ...changes,
})
