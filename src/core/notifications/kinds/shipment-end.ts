/** Shipment updates that leave nothing to decide: delivered, cancelled, on the way back. */

import { at, id, text, time } from '../read-lenient.ts'
import { isOtherShipmentEvent, ownerOfFdrEvent } from './fdr-event.ts'

export interface ShipmentEnd {
  readonly accountId: number
  readonly shipmentId: string
  /** As `flows.yaml` names it, e.g. `delivered`. */
  readonly status: string
  /** When it happened, as the update tells it. */
  readonly happenedAt?: Date | undefined
}

/** `RTO Initiated` as `rto_initiated`. */
const statusOf = (subType: string): string =>
  subType
    .toLowerCase()
    .replace(/[^a-z]+/g, '_')
    .replace(/^_|_$/g, '')

/**
 * Reads an update that ends the conversations about its shipment.
 * @param closing statuses that do
 * @returns undefined for any other event, and for one that does not say which shipment it means
 */
export function readShipmentEnd(event: unknown, closing: ReadonlySet<string>): ShipmentEnd | undefined {
  if (!isOtherShipmentEvent(event)) return undefined
  const status = statusOf(text(at(event, 'eventSubType')) ?? '')
  if (!closing.has(status)) return undefined
  const shipment = at(event, 'response_data')
  const shipmentId = id(at(shipment, 'id'))
  const accountId = ownerOfFdrEvent(event)
  const happenedAt = time(at(shipment, 'status_log', status)) ?? time(at(shipment, 'status_updated_at'))
  return shipmentId && shipmentId !== '0' && accountId ? { accountId, shipmentId, status, happenedAt } : undefined
}
