/** Purchase order approved: the supplier is told its number and amount. */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { decimalText, moneyText, type Reader } from '../amounts.ts'
import { fill } from '../parameters.ts'
import { accountId, at, number, text } from '../read-lenient.ts'
import type { NotificationKind, Reading } from './kind.ts'
import type { KindTemplate } from './kind-template.ts'
import { given, maybe, readEvent, within } from './read-event.ts'

/** Where the order is looked up afterwards, the number has so many characters at most. */
const orderNumber = (value: unknown): string | undefined => {
  const found = text(value)
  return found !== undefined && found.length <= 64 ? found : undefined
}

const readable = (value: unknown) => (typeof value === 'number' ? value : text(value))

/** `"€100.00"`, `100`, `"100.00"`, or `{ "amount": 100, "currency": "EUR" }`. */
const totalAmount = (value: unknown) => {
  const amount = readable(value) ?? readable(at(value, 'amount'))
  return amount === undefined ? undefined : { amount, currency: text(at(value, 'currency')) }
}

const schema = z.object({
  account_id: given(accountId),
  tenant_id: given(text),
  supplier: within({ name: given(text), phone: given(text) }),
  po_number: given(orderNumber),
  total_amount: given(totalAmount),
  /** Of an amount that is a bare number. */
  currency: maybe(text),
  language: maybe(text),
})
type PurchaseOrderEvent = z.infer<typeof schema>

const template: KindTemplate = {
  reason: 'purchase_order',
  name: 'po_notification',
  category: 'UTILITY',
  variables: [
    { name: 'supplier', maxLength: 100, example: 'Huerta Sol' },
    { name: 'po_number', maxLength: 64, example: 'PO-001' },
    { name: 'total_amount', maxLength: 60, example: '€100.00' },
  ],
  buttons: [],
  isNotifiedByDefault: true,
  isForEverybody: false,
}

/** A supplier who reads it later than that has heard of the order otherwise. */
const usefulMs = 3 * 24 * 3_600_000

const typeOf = (event: unknown): string => text(at(event, 'type'))?.toLowerCase() ?? ''

export const purchaseOrder: NotificationKind = {
  id: 'purchase_order',
  routingKeys: ['purchase_order.#'],
  usefulMs,
  waitsForMorning: true,
  templates: () => [template],
  recognises: (event) => typeOf(event) === 'purchase_order.approved',
  // Drafts, changes, cancellations: nobody is told of them.
  passesOver: (event) => typeOf(event).startsWith('purchase_order.'),
  accountOf: (event) => accountId(at(event, 'account_id')),
  read(event) {
    const reading = readEvent(schema, event)
    return reading.ok ? noticeOf(reading.event) : reading
  },
}

function noticeOf(event: PurchaseOrderEvent): Reading {
  const { account_id, tenant_id, po_number, supplier } = event
  return {
    ok: true,
    notice: {
      accountId: account_id,
      idempotencyKey: keyOf(event),
      subject: { type: 'purchase_order', id: po_number },
      content: {
        type: 'reason',
        reason: template.reason,
        templateName: template.name,
        isNotifiedByDefault: true,
        language: event.language,
        values: (facts) =>
          fill(template.variables, { supplier: supplier.name, po_number, total_amount: amountOf(event, facts) }),
      },
      phone: supplier.phone,
      snapshot: {
        customerName: supplier.name,
        customerPhone: supplier.phone,
        status: 'approved',
        details: { tenant_id, po_number },
      },
    },
  }
}

/** A number is written as the supplier writes it; a text that is none, or that names no currency, stays as it is. */
function amountOf({ total_amount: { amount, ...total }, currency }: PurchaseOrderEvent, reader: Reader): string {
  const [value, named] = [number(amount), total.currency ?? currency]
  if (value !== undefined && named !== undefined) return moneyText(value, named, reader)
  return typeof amount === 'number' ? decimalText(amount, reader) : amount
}

/** As long as a key may be. */
const longestKey = 160

/** One message for each order of a tenant. Texts that could be taken apart in two ways are told by their hash. */
function keyOf({ account_id, tenant_id, po_number }: PurchaseOrderEvent): string {
  const key = `po:${account_id}:${tenant_id}:${po_number}`
  if (key.length <= longestKey && !tenant_id.includes(':')) return key
  return `po:${account_id}:${createHash('sha256')
    .update(JSON.stringify([tenant_id, po_number]))
    .digest('base64url')}`
}
