/** Messages, as lists and timelines show them. */

import { z } from 'zod'
import { accountId, asItCame, count, id, maybeId, maybeText, maybeTime, pageOf, time } from './parts.ts'

const state = z.enum([
  'queued',
  'sending',
  'waiting',
  'accepted',
  'failed',
  'in_doubt',
  'unknown',
  'expired',
  'skipped',
])

export const messageStatus = z.enum([
  'queued',
  'accepted',
  'sent',
  'delivered',
  'read',
  'failed',
  'expired',
  'skipped',
  'unknown',
])

export const message = z
  .object({
    id,
    reference: z.string(),
    kind: z.string(),
    state,
    status: messageStatus,
    accountId,
    connectionId: maybeId,
    provider: maybeText,
    customerPhone: maybeText,
    businessPhone: maybeText,
    messageId: maybeText,
    rootMessageId: maybeText,
    reason: maybeText,
    template: z.object({ name: z.string(), language: z.string() }).nullable(),
    subject: z.object({ type: maybeText, id: z.string() }).nullable(),
    orderNumber: maybeText,
    details: z.record(z.string(), z.string()).nullable(),
    createdBy: maybeText,
    references: z.record(z.string(), z.string()).nullable(),
    eta: z.number().nullable(),
    text: maybeText,
    route: z.object({ connectionId: maybeId, why: z.string() }),
    failure: z.object({ code: z.string(), vendorCode: maybeText, detail: z.string() }).nullable(),
    attempts: count,
    waitingUntil: maybeTime,
    waitingFor: z.enum(['quiet_hours', 'next_attempt']).nullable(),
    createdAt: time,
    acceptedAt: maybeTime,
    sentAt: maybeTime,
    deliveredAt: maybeTime,
    readAt: maybeTime,
    failedAt: maybeTime,
  })
  .meta({ id: 'Message' })

export const messages = pageOf(message)

const clicks = z.object({ count, firstAt: maybeTime, lastAt: maybeTime })

const attempt = z
  .object({
    attempt: z.int().min(1),
    connectionId: maybeId,
    outcome: maybeText,
    messageId: maybeText,
    failureCode: maybeText,
    vendorCode: maybeText,
    detail: maybeText,
    startedAt: maybeTime,
    finishedAt: maybeTime,
  })
  .meta({ id: 'Attempt' })

const report = z
  .object({
    status: z.string(),
    at: maybeTime,
    failureCode: maybeText,
    failureReason: maybeText,
    receivedAt: maybeTime,
  })
  .meta({ id: 'Report' })

const reply = z
  .object({
    messageId: maybeText,
    type: z.string(),
    value: maybeText,
    buttonId: maybeText,
    contextId: maybeId,
    at: maybeTime,
    receivedAt: maybeTime,
  })
  .meta({ id: 'Reply' })

const humanMessage = z.object({
  messageId: maybeText,
  type: maybeText,
  value: maybeText,
  at: maybeTime,
  receivedAt: maybeTime,
})

const conversation = z.object({
  state: z.string(),
  decision: maybeText,
  decisionValue: maybeText,
  decidedAt: maybeTime,
  closedBy: maybeText,
  closedAt: maybeTime,
})

const moment = z
  .object({ at: time, what: z.string(), messageId: id, text: z.string(), why: maybeText })
  .meta({ id: 'Moment' })

/** Facts that the provider did not tell are absent. */
const pricing = z
  .object({
    model: z.string(),
    type: z.string(),
    category: z.string(),
    isBillable: z.boolean(),
    amountMicros: z.int(),
    conversationId: z.string(),
    conversationOrigin: z.string(),
  })
  .partial()
  .meta({ id: 'Pricing' })

/** A decision on its way to the courier side. */
export const action = z
  .object({
    id,
    messageId: id,
    accountId: accountId.nullable(),
    action: z.string(),
    state: z.enum(['pending', 'pushing', 'taken', 'refused']),
    attempts: count,
    idempotencyKey: z.string(),
    request: asItCame,
    responseStatus: z.int().nullable(),
    response: maybeText,
    nextTryAt: maybeTime,
    triedAt: maybeTime,
    createdAt: maybeTime,
    updatedAt: maybeTime,
  })
  .meta({ id: 'Action' })

export const actions = pageOf(action)

/** As it is published; docs/schemas/activity-event.schema.json says which fields `response_data` has. */
export const activityEvent = z
  .object({
    resource: z.literal('customer_notification'),
    eventType: z.literal('POST'),
    eventSubType: z.string(),
    accountSlug: z.string(),
    accountId: z.null(),
    actor: z.string(),
    version: z.literal('v1'),
    response_data: asItCame,
    account_slug: z.string(),
  })
  .meta({ id: 'ActivityEvent' })

const activityItem = z.object({ cursor: id, id: z.string(), event: activityEvent }).meta({ id: 'ActivityItem' })

export const activityPage = z.object({ items: z.array(activityItem), next: id })

export const timeline = message
  .extend({
    attempts: z.array(attempt),
    pricing: pricing.nullable(),
    clicks: clicks.optional(),
    reports: z.array(report),
    replies: z.array(reply),
    humanMessages: z.array(humanMessage),
    conversation: conversation.nullable(),
    followUps: z.array(message.extend({ clicks: clicks.optional() }).meta({ id: 'FollowUp' })),
    actions: z.array(action),
    activity: z.array(activityItem),
    timeline: z.array(moment),
  })
  .meta({ id: 'MessageTimeline' })

const writtenMessage = z
  .object({
    direction: z.enum(['out', 'in']),
    id: maybeId,
    messageId: maybeText,
    at: time,
    connectionId: maybeId,
    text: maybeText,
    kind: z.string().optional(),
    status: messageStatus.optional(),
    createdBy: maybeText.optional(),
    type: z.string().optional(),
  })
  .meta({ id: 'ConversationMessage' })

export const conversations = pageOf(
  z.object({
    reference: z.object({ type: z.string(), id: z.string() }).nullable(),
    messages: z.array(writtenMessage),
  }),
).extend({ phone: z.string() })
