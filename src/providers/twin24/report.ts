/** One status of a message, as a callback tells it and as the list of messages shows it. */

import { addressOf } from '../../core/contract/address.ts'
import type { DeliveryReport, Pricing } from '../../core/contract/events.ts'
import type { PolledMessage, ProviderConnection } from '../../core/contract/provider.ts'
import { defined, fieldOf, type JsonRecord, recordOf, textOf } from '../shared/read.ts'
import { failureOfStatus, meaningOf } from './codes.ts'
import { readSignedReference } from './reference.ts'

/**
 * Reads a callback; a text says why it cannot be read. It carries no time and no reason, and nothing proves its origin:
 * a failure, or a word that is not known, is only a hint to ask.
 */
export function readCallback(element: JsonRecord, owners: readonly ProviderConnection[]): DeliveryReport | string {
  const messageId = textOf(element, 'id') ?? textOf(element, 'messageId')
  const vendorStatus = statusOf(element)
  if (!messageId) return 'a status without a message id'
  if (!vendorStatus) return 'a status without a status'
  const data = callbackDataOf(element)
  const reference = data === undefined ? undefined : readSignedReference(data, owners)
  if (data !== undefined && reference === undefined) return 'callbackData that was not signed here'
  const meaning = meaningOf(vendorStatus)
  return {
    type: 'report',
    messageId,
    vendorStatus,
    recipient: {},
    raw: element,
    ...defined({
      reference,
      status: meaning === 'failed' ? undefined : meaning,
      isUnconfirmed: meaning === undefined || meaning === 'failed' ? true : undefined,
      pricing: pricingOf(element),
    }),
  }
}

const micros = 1_000_000

/** In the currency of the contract: no callback names it. 0 stands also where nothing was billed yet. */
function pricingOf(element: JsonRecord): Pricing | undefined {
  const price = Number(fieldOf(element, 'price'))
  if (!(price > 0)) return undefined
  const amountMicros = Math.round(price * micros)
  return { isBillable: true, ...(Number.isSafeInteger(amountMicros) ? { amountMicros } : {}) }
}

/** The new status: a change of status names the old one as well. */
export const statusOf = (element: JsonRecord): string | undefined =>
  textOf(element, 'newStatus') ?? textOf(element, 'new_status') ?? textOf(element, 'status')

/** A string as it was sent; one place of the vendor's calls it a JSON array. */
function callbackDataOf(element: JsonRecord): string | undefined {
  const data = fieldOf(element, 'callbackData')
  if (data === undefined || data === null || data === '') return undefined
  const single: unknown = Array.isArray(data) ? data[0] : data
  return typeof single === 'string' ? single : JSON.stringify(data)
}

/** Reads an item of the list of messages: authoritative, with code, words and times. Undefined for what is no item. */
export function readItem(item: unknown, message: PolledMessage, now: Date): DeliveryReport | undefined {
  const vendorStatus = textOf(item, 'status')
  if (!vendorStatus) return undefined
  const status = meaningOf(vendorStatus)
  const failure =
    status === 'failed'
      ? {
          code: failureOfStatus(vendorStatus),
          ...defined({ vendorCode: textOf(item, 'statusCode'), detail: textOf(item, 'statusDescription') }),
        }
      : undefined
  return {
    type: 'report',
    messageId: message.messageId,
    reference: message.reference,
    vendorStatus,
    recipient: addressOf(textOf(recordOf(item, 'destination'), 'phone')),
    raw: item,
    ...defined({ status, failure, at: timeOf(item, status === 'delivered' ? 'deliveredAt' : 'sentAt', now) }),
  }
}

const clockSkewMs = 600_000

/** Only with an offset: the zone of plain times is not known. Undefined when absurd. */
function timeOf(item: unknown, key: string, now: Date): Date | undefined {
  const text = textOf(item, key)
  if (!text || !/(Z|[+-]\d\d:?\d\d)$/.test(text)) return undefined
  const at = new Date(text)
  return at.getTime() <= now.getTime() + clockSkewMs ? at : undefined
}
