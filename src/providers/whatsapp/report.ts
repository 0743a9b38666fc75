import { type Address, addressOf } from '../../core/contract/address.ts'
import type { DeliveryReport, Pricing, ReportStatus } from '../../core/contract/events.ts'
import type { Failure } from '../../core/contract/failures.ts'
import { defined, fieldOf, listOf, recordOf, textOf } from '../shared/read.ts'
import { ruleOfReport } from './codes.ts'
import { detailOf, failureOf, maxDetail, vendorCodeOf, vendorErrorOf } from './errors.ts'
import { timeOf } from './time.ts'

/** `played` is the first playing of a voice message: whoever hears it has read it. */
const statuses: ReadonlyMap<string, ReportStatus> = new Map([
  ['sent', 'sent'],
  ['delivered', 'delivered'],
  ['read', 'read'],
  ['played', 'read'],
  ['failed', 'failed'],
])

/**
 * Reads one element of `statuses[]`; a text says why it cannot be read.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
 */
export function readReport(element: unknown, now: Date): DeliveryReport | string {
  const messageId = textOf(element, 'id')
  const vendorStatus = textOf(element, 'status')
  if (!messageId) return 'a status without a message id'
  if (!vendorStatus) return 'a status without a status'
  const status = statuses.get(vendorStatus)
  return {
    type: 'report',
    messageId,
    vendorStatus,
    recipient: recipientOf(element),
    raw: element,
    ...defined({
      reference: textOf(element, 'biz_opaque_callback_data'),
      status,
      at: timeOf(element, 'timestamp', now),
      failure: status === 'failed' ? failureOfReport(element) : undefined,
      pricing: pricingOf(element),
    }),
  }
}

/** In a group `recipient_id` is the group; the parent id has two spellings in Meta's own pages. */
function recipientOf(element: unknown): Address {
  const inGroup = textOf(element, 'recipient_type') === 'group'
  return addressOf(
    textOf(element, inGroup ? 'recipient_participant_id' : 'recipient_id'),
    textOf(element, 'recipient_user_id') ??
      textOf(element, 'recipient_parent_user_id') ??
      textOf(element, 'parent_recipient_user_id'),
  )
}

/**
 * Comes with `sent` or with one of the later statuses; a conversation only with older payload versions and after ads.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
 */
function pricingOf(element: unknown): Pricing | undefined {
  const [pricing, conversation] = [recordOf(element, 'pricing'), recordOf(element, 'conversation')]
  const billable = fieldOf(pricing, 'billable')
  const found = defined({
    model: textOf(pricing, 'pricing_model'),
    type: textOf(pricing, 'type'),
    category: textOf(pricing, 'category'),
    isBillable: typeof billable === 'boolean' ? billable : undefined,
    conversationId: textOf(conversation, 'id'),
    conversationOrigin: textOf(recordOf(conversation, 'origin'), 'type'),
  })
  return Object.keys(found).length > 0 ? found : undefined
}

/** The first error counts; a failure without one is still a failure. */
function failureOfReport(element: unknown): Failure {
  const error = listOf(element, 'errors')[0]
  const vendor = vendorErrorOf(error)
  const said = { vendorCode: vendorCodeOf(vendor), detail: detailOf(error)?.slice(0, maxDetail) }
  return failureOf(ruleOfReport(vendor), said)
}
