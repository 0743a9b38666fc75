/** Failed delivery: the customer is told why, and asked what to do. */

import type { OrderSnapshot } from '../../activity/order-snapshot.ts'
import { fdrValues } from '../content.ts'
import { type ReasonTable, reasonOf } from '../reason.ts'
import type { TemplateCatalog } from '../template-catalog.ts'
import { type FdrEvent, isFdrEvent, isOtherShipmentEvent, ownerOfFdrEvent, readFdrEvent } from './fdr-event.ts'
import type { ComposeFacts, NotificationKind, Reading } from './kind.ts'
import { readShipmentEnd } from './shipment-end.ts'

export interface FdrKindDeps {
  readonly reasons: ReasonTable
  readonly catalog: TemplateCatalog
  /** Shipment updates that end its conversations. */
  readonly closing: ReadonlySet<string>
}

/** After that the courier's next attempt is over as well. */
const usefulMs = 12 * 3_600_000

export const createFdrKind = (deps: FdrKindDeps): NotificationKind => ({
  id: 'fdr',
  usefulMs,
  waitsForMorning: true,
  recognises: isFdrEvent,
  passesOver: isOtherShipmentEvent,
  endOf: (event) => readShipmentEnd(event, deps.closing),
  accountOf: ownerOfFdrEvent,
  read(event) {
    const reading = readFdrEvent(event)
    return reading.ok ? noticeOf(reading.fdr, deps) : reading
  },
})

function noticeOf(fdr: FdrEvent, { reasons, catalog }: FdrKindDeps): Reading {
  const reason = reasonOf(fdr, reasons)
  if (!reason) {
    const clues = [fdr.ndrCode, fdr.ndrDescription, fdr.remarks].filter(Boolean).join(' / ')
    return {
      ok: false,
      reason: 'unknown_reason',
      detail: `no reason fits: ${clues || 'no code, description or remark'}`,
    }
  }
  const values = ({ phone, support, language }: ComposeFacts) =>
    fdrValues(fdr, reason.key, {
      phone,
      support,
      andMore: (n) => catalog.text(language, 'and_more', { n: String(n) }),
      unnamedCustomer: catalog.unnamedCustomer(language),
    })
  return {
    ok: true,
    notice: {
      accountId: fdr.accountId,
      channelId: fdr.channelId,
      idempotencyKey: `fdr:${fdr.accountId}:${fdr.statusLogId}`,
      statusLogId: fdr.statusLogId,
      subject: { type: 'shipment', id: fdr.shipmentId },
      happenedAt: fdr.failedAt,
      content: {
        type: 'reason',
        reason: reason.key,
        templateName: `fdr_${reason.key}`,
        isNotifiedByDefault: reason.notify,
        values,
      },
      phone: fdr.phone,
      country: fdr.country,
      snapshot: snapshotOf(fdr),
    },
  }
}

const snapshotOf = (fdr: FdrEvent): OrderSnapshot =>
  present({
    accountSlug: fdr.accountSlug,
    customerName: fdr.customerName,
    customerPhone: fdr.phone,
    email: fdr.email,
    orderNumber: fdr.vendorOrderNumber ?? fdr.orderNumber,
    orderId: fdr.orderId,
    shipmentId: fdr.shipmentId,
    trackingId: fdr.trackingId,
    externalShipmentId: fdr.externalShipmentId,
    customerOrderNumber: fdr.customerOrderNumber,
    channelId: fdr.channelId,
    brand: fdr.brand,
    courierName: fdr.courierName,
    status: fdr.status,
  })

/** Leaves out what is undefined. */
const present = (values: Record<string, string | undefined>): OrderSnapshot =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
