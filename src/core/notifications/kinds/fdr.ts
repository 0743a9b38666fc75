/** Failed delivery: the customer is told why, and asked what to do. */

import type { OrderSnapshot } from '../../activity/order-snapshot.ts'
import { type ReasonTable, reasonOf } from '../reason.ts'
import { fdrTemplates, fdrValues } from './fdr-content.ts'
import { type FdrEvent, isFdrEvent, isOtherShipmentEvent, ownerOfFdrEvent, readFdrEvent } from './fdr-event.ts'
import type { NotificationKind, Reading } from './kind.ts'
import { readShipmentEnd } from './shipment-end.ts'

/** After that the courier's next attempt is over as well. */
const usefulMs = 12 * 3_600_000

export const fdr: NotificationKind = {
  id: 'fdr',
  routingKeys: ['shipment.#'],
  usefulMs,
  waitsForMorning: true,
  templates: fdrTemplates,
  recognises: isFdrEvent,
  passesOver: isOtherShipmentEvent,
  endOf: readShipmentEnd,
  accountOf: ownerOfFdrEvent,
  read(event, reasons) {
    const reading = readFdrEvent(event)
    return reading.ok ? noticeOf(reading.fdr, reasons) : reading
  },
}

function noticeOf(event: FdrEvent, reasons: ReasonTable): Reading {
  const reason = reasonOf(event, reasons)
  if (!reason) {
    const clues = [event.ndrCode, event.ndrDescription, event.remarks].filter(Boolean).join(' / ')
    return {
      ok: false,
      reason: 'unknown_reason',
      detail: `no reason fits: ${clues || 'no code, description or remark'}`,
    }
  }
  return {
    ok: true,
    notice: {
      accountId: event.accountId,
      channelId: event.channelId,
      idempotencyKey: `fdr:${event.accountId}:${event.statusLogId}`,
      statusLogId: event.statusLogId,
      subject: { type: 'shipment', id: event.shipmentId },
      happenedAt: event.failedAt,
      content: {
        type: 'reason',
        reason: reason.key,
        templateName: `fdr_${reason.key}`,
        isNotifiedByDefault: reason.notify,
        values: (facts) => fdrValues(event, reason.key, facts),
      },
      phone: event.phone,
      country: event.country,
      snapshot: snapshotOf(event),
    },
  }
}

const snapshotOf = (event: FdrEvent): OrderSnapshot =>
  present({
    accountSlug: event.accountSlug,
    customerName: event.customerName,
    customerPhone: event.phone,
    email: event.email,
    orderNumber: event.vendorOrderNumber ?? event.orderNumber,
    orderId: event.orderId,
    shipmentId: event.shipmentId,
    trackingId: event.trackingId,
    externalShipmentId: event.externalShipmentId,
    customerOrderNumber: event.customerOrderNumber,
    channelId: event.channelId,
    brand: event.brand,
    courierName: event.courierName,
    status: event.status,
  })

/** Leaves out what is undefined. */
const present = (values: Record<string, string | undefined>): OrderSnapshot =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
