/** What activity events and the timeline need to know of an order, taken once, when its event came in. */

export interface OrderSnapshot {
  readonly accountSlug?: string
  readonly customerName?: string
  /** The phone as the event gave it, not normalised: consumers compare it with their own records. */
  readonly customerPhone?: string
  readonly email?: string
  readonly orderNumber?: string
  readonly orderId?: string
  readonly shipmentId?: string
  readonly trackingId?: string
  readonly externalShipmentId?: string
  readonly customerOrderNumber?: string
  readonly channelId?: string
  readonly brand?: string
  readonly courierName?: string
  /** The shipment's status that caused the message, e.g. `failed_delivery`. */
  readonly status?: string
  /** What a kind adds to `response_data` of activity events, e.g. `tenant_id`; never a field that they have anyway. */
  readonly details?: Readonly<Record<string, string>>
  /** What a message of a person's belongs to, in their own words: e.g. `enquiryId` -> `E1`. */
  readonly references?: Readonly<Record<string, string>>
  /** As the sender of a message told it. */
  readonly eta?: number
  /** Language of the conversation. */
  readonly language?: string
}
