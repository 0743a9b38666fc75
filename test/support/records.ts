/** Messages and connections as core reads them, for tests that need no database to have them. */

import type { Connection } from '../../src/core/accounts/connections.ts'
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
  givenBack: 0,
  possibleDuplicate: false,
  resentByHandAt: null,
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

/** A sender connection with nothing special about it. */
export const aConnection = (id: number, changes: Partial<Connection> = {}): Connection => ({
  id,
  accountId: 379,
  provider: 'meta',
  name: 'Acme',
  senderId: undefined,
  businessPhone: `+91114000000${id}`,
  webhookKey: `key-${id}`,
  verifyToken: 'token',
  credentials: {},
  limits: { messagesPerSecond: 80, concurrency: 2 },
  fallbackConnectionId: undefined,
  state: 'active',
  stateReason: undefined,
  vendorAccountId: undefined,
  templates: {},
  dialogueResults: {},
  keptReference: undefined,
  ownLimits: undefined,
  quality: undefined,
  echoedUntil: undefined,
  managedBy: undefined,
  ...changes,
})
