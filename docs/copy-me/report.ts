import { addressOf } from '../../src/core/contract/address.ts'
import type { DeliveryReport } from '../../src/core/contract/events.ts'
import type { Failure } from '../../src/core/contract/failures.ts'
import { defined, type JsonRecord, recordOf, textOf } from '../../src/providers/shared/read.ts'
import { maxDetail } from './api.ts'
import { codeOfReport, meaningOf } from './codes.ts'
import { timeOf } from './time.ts'

/**
 * Reads one status of a message; a text says why it cannot be read. A word that is not known is a report all the same.
 * Fill in: the vendor's field names, and a link to its page.
 */
export function readReport(element: JsonRecord, now: Date): DeliveryReport | string {
  const messageId = textOf(element, 'messageId')
  const vendorStatus = textOf(element, 'status')
  if (!messageId) return 'a status without a message id'
  if (!vendorStatus) return 'a status without a status'
  const status = meaningOf(vendorStatus)
  return {
    type: 'report',
    messageId,
    vendorStatus,
    recipient: addressOf(textOf(element, 'to')),
    raw: element,
    ...defined({
      reference: textOf(element, 'reference'),
      status,
      at: timeOf(element, 'at', now),
      failure: status === 'failed' ? failureOf(recordOf(element, 'error')) : undefined,
    }),
  }
}

/** A failure without a reason is still a failure. */
function failureOf(error: JsonRecord | undefined): Failure {
  const vendorCode = textOf(error, 'code')
  return {
    code: codeOfReport(vendorCode),
    ...defined({ vendorCode, detail: textOf(error, 'message')?.slice(0, maxDetail) }),
  }
}
