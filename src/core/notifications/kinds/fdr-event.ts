import {
  at,
  boolean,
  firstPresent,
  firstText,
  id,
  integer,
  isPresent,
  list,
  number,
  object,
  accountId as readAccountId,
  text,
  time,
} from '../read-lenient.ts'

export interface FdrItem {
  readonly name: string
  /** Units, at least 1. */
  readonly quantity: number
}

/** A failed delivery as the gateway uses it. Plain data: it is stored as the snapshot of the order. */
export interface FdrEvent {
  /** Digits; identifies the failed attempt. */
  readonly statusLogId: string
  readonly accountId: number
  readonly accountSlug: string | undefined
  readonly shipmentId: string
  readonly orderId: string | undefined
  readonly channelId: string | undefined
  /** The shop as the customer knows it. */
  readonly brand: string | undefined
  /** The order as the customer knows it. */
  readonly orderNumber: string | undefined
  readonly vendorOrderNumber: string | undefined
  readonly customerOrderNumber: string | undefined
  readonly externalShipmentId: string | undefined
  readonly trackingId: string | undefined
  readonly courierName: string | undefined
  readonly trackingDomain: string | undefined
  readonly customerName: string | undefined
  /** As given, not yet E.164. */
  readonly phone: string
  /** Two capital letters (ISO 3166). */
  readonly country: string | undefined
  readonly email: string | undefined
  /** On one line. */
  readonly address: string | undefined
  readonly items: readonly FdrItem[]
  readonly isCod: boolean | undefined
  /** Rupees to be paid at the door, rounded to paise; 0 when prepaid, undefined when it cannot be known. */
  readonly amount: number | undefined
  readonly remarks: string | undefined
  /** How many deliveries failed so far, this one included. */
  readonly attempt: number | undefined
  readonly ndrCode: number | undefined
  readonly ndrDescription: string | undefined
  readonly status: 'failed_delivery'
  /** By the shipment's log; the time of its newest update would move on with whatever came since. */
  readonly failedAt: Date | undefined
}

export type FdrProblem =
  | 'not_an_object'
  | 'missing_response_data'
  | 'missing_status_log_id'
  | 'missing_account_id'
  | 'missing_shipment_id'
  | 'missing_phone'
  | 'invalid_id'

export type FdrReading =
  | { readonly ok: true; readonly fdr: FdrEvent }
  | { readonly ok: false; readonly reason: FdrProblem; readonly detail: string }

const failedDelivery = 'failed_delivery'

/** Fields that say what the whole shipment costs, best first; the items are added up when there is none. */
const totalFields = ['collectableAmount', 'orderTotal', 'invoiceTotal']
const addressFields = ['addressLine1', 'addressLine2', 'addressLine3', 'landmark', 'city', 'state', 'postalCode']

/** Does the event tell of a failed delivery? The shipment's status counts only where the event names no sub-type. */
export const isFdrEvent = (event: unknown): boolean => {
  const subType = firstText(at(event, 'eventSubType'), at(event, 'response_data', 'status'))
  return text(at(event, 'resource'))?.toLowerCase() === 'shipment' && subType?.toLowerCase() === failedDelivery
}

/** Is it another update of a shipment? The warehouse system publishes all of them under one prefix. */
export const isOtherShipmentEvent = (event: unknown): boolean =>
  text(at(event, 'resource'))?.toLowerCase() === 'shipment' &&
  text(at(event, 'eventSubType')) !== undefined &&
  !isFdrEvent(event)

const refused = (reason: FdrProblem, detail: string): FdrReading => ({ ok: false, reason, detail })

const readItem = (item: unknown): FdrItem => {
  const quantity = integer(at(item, 'quantity')) ?? 1
  const name = firstText(at(item, 'productName'), at(item, 'name'), at(item, 'sku'), at(item, 'inventoryItemCode'))
  return { name: name ?? '-', quantity: Math.max(quantity, 1) }
}

const readItems = (shipment: unknown): FdrItem[] =>
  list(at(shipment, 'items'))
    .filter((item) => Object.keys(object(item) ?? {}).length > 0)
    .map(readItem)

const readIsCod = (shipment: unknown): boolean | undefined => {
  const paymentType = text(at(shipment, 'paymentType'))
  return (
    boolean(at(shipment, 'isCOD')) ?? (paymentType && /\bcod\b|cash on delivery/i.test(paymentType) ? true : undefined)
  )
}

const paiseOf = (value: unknown): number | undefined => {
  const rupees = number(value)
  return rupees === undefined || rupees < 0 ? undefined : Math.round(rupees * 100)
}

const sumOfItems = (shipment: unknown): number | undefined => {
  const prices = list(at(shipment, 'items')).map(
    (item) => paiseOf(at(item, 'invoiceTotal')) ?? paiseOf(at(item, 'lineItemTotal')),
  )
  if (prices.length === 0) return undefined
  // A sum that leaves an item out would name a wrong price.
  return prices.reduce((sum, price) => (sum === undefined || price === undefined ? undefined : sum + price), 0)
}

const readAmount = (shipment: unknown): number | undefined => {
  if (readIsCod(shipment) === false) return 0
  const total = paiseOf(firstPresent(...totalFields.map((name) => at(shipment, name)))) ?? sumOfItems(shipment)
  return total === undefined || !Number.isSafeInteger(total) ? undefined : total / 100
}

const readAddress = (shipment: unknown): string | undefined => {
  const parts = addressFields.map((name) => text(at(shipment, 'shippingAddress', name)))
  const given = parts.filter((part) => part !== undefined)
  return given.map((part) => part.replace(/\s+/g, ' ')).join(', ') || undefined
}

const readCountry = (shipment: unknown): string | undefined => {
  const code = text(at(shipment, 'shippingAddress', 'countryCode'))?.toUpperCase()
  return code !== undefined && /^[A-Z]{2}$/.test(code) ? code : undefined
}

const readOrder = (shipment: unknown) => {
  const orderId = id(at(shipment, 'order_id'))
  const vendorOrderNumber = text(at(shipment, 'vendorOrderNumber'))
  const customerOrderNumber = text(at(shipment, 'customerOrderNumber'))
  return {
    orderId,
    vendorOrderNumber,
    customerOrderNumber,
    orderNumber: vendorOrderNumber ?? customerOrderNumber ?? orderId,
    channelId: firstText(at(shipment, 'channel_id'), at(shipment, 'externalChannelID')),
    externalShipmentId: text(at(shipment, 'externalShipmentID')),
    items: readItems(shipment),
    isCod: readIsCod(shipment),
    amount: readAmount(shipment),
  }
}

const readCustomer = (shipment: unknown) => ({
  customerName: firstText(at(shipment, 'customerName'), at(shipment, 'shippingAddress', 'customerName')),
  country: readCountry(shipment),
  email: firstText(at(shipment, 'email'), at(shipment, 'shippingAddress', 'email')),
  address: readAddress(shipment),
})

const readTracking = (shipment: unknown) => {
  const track = at(shipment, 'track_payload', 'clickPostTrackData')
  return {
    trackingId: text(at(shipment, 'trackingID')),
    courierName: text(at(shipment, 'courierName')),
    trackingDomain: text(at(shipment, 'trackingDomain')),
    remarks: firstText(at(shipment, 'remarks'), at(track, 'remark')),
    attempt: integer(at(shipment, 'status_log_count', failedDelivery)),
    ndrCode: integer(at(track, 'additional', 'ndr_status_code')),
    ndrDescription: text(at(track, 'additional', 'ndr_status_description')),
    failedAt: time(at(shipment, 'status_log', failedDelivery)),
  }
}

const readAccountSlug = (event: unknown, shipment: unknown): string | undefined =>
  firstText(at(shipment, 'account_slug'), at(event, 'account_slug'), at(event, 'accountSlug'))

const isGivenId = (value: unknown): boolean => isPresent(value) && text(value) !== '0'

const givenAccountId = (event: unknown, shipment: unknown): unknown =>
  firstPresent(at(shipment, 'account_id'), at(event, 'accountId'), at(event, 'account_id'))

/** Whose event it is, whatever else it lacks. */
export const ownerOfFdrEvent = (event: unknown): number | undefined =>
  readAccountId(givenAccountId(event, at(event, 'response_data')))

/**
 * Reads a failed-delivery event. Only what is needed to tell the customer once is required: status log, account,
 * shipment and a phone; everything else may be absent or unreadable.
 */
export const readFdrEvent = (event: unknown): FdrReading => {
  if (object(event) === undefined) return refused('not_an_object', 'the event is not a JSON object')
  const shipment = at(event, 'response_data')
  if (object(shipment) === undefined || !isPresent(shipment)) {
    return refused('missing_response_data', 'response_data is absent or not an object')
  }
  return readShipment(event, shipment)
}

const readShipment = (event: unknown, shipment: unknown): FdrReading => {
  const given = {
    status_log_id: at(shipment, 'status_log_id'),
    account_id: givenAccountId(event, shipment),
    shipment_id: at(shipment, 'id'),
  }
  const missing = (['status_log_id', 'account_id', 'shipment_id'] as const).find((name) => !isGivenId(given[name]))
  if (missing) return refused(`missing_${missing}`, `${missing} is absent`)
  const phone = firstText(at(shipment, 'customerContactNumber'), at(shipment, 'shippingAddress', 'contactPhone'))
  if (phone === undefined) return refused('missing_phone', 'neither customerContactNumber nor contactPhone is given')

  const statusLogId = id(given.status_log_id)
  const accountId = readAccountId(given.account_id)
  const shipmentId = id(given.shipment_id)
  if (!statusLogId || !accountId || !shipmentId)
    return refused('invalid_id', invalidId({ statusLogId, accountId, shipmentId }))
  const accountSlug = readAccountSlug(event, shipment)
  const ids = { statusLogId, accountId, shipmentId, accountSlug, phone, status: failedDelivery } as const
  const brand = text(at(shipment, 'channelLabel')) ?? accountSlug
  return {
    ok: true,
    // A property before the first spread: docs/performance.md.
    fdr: { brand, ...ids, ...readOrder(shipment), ...readCustomer(shipment), ...readTracking(shipment) },
  }
}

const invalidId = (ids: Readonly<Record<string, unknown>>): string => {
  const names = Object.keys(ids).filter((name) => !ids[name])
  return `${names.join(', ')}: not a decimal id, or a number too large for JSON to carry exactly`
}
