/** Things that tests are about. */

import { readFileSync } from 'node:fs'

const realEvent = JSON.parse(
  readFileSync(new URL('../fixtures/fdr-event.json', import.meta.url), 'utf8'),
) as FdrEventJson

export interface FdrEventJson {
  response_data: Record<string, unknown>
  [key: string]: unknown
}

let nextStatusLog = 500_000_000

/** The real event with another status log, and whatever else a test wants changed in `response_data`. */
export function anFdrEvent(changes: Record<string, unknown> = {}): FdrEventJson {
  const event = structuredClone(realEvent)
  Object.assign(event.response_data, { status_log_id: String(nextStatusLog++) }, changes)
  return event
}

/** The real event with the NDR code of a reason. */
export function anFdrEventFor(
  ndrCode: number,
  ndrDescription: string,
  changes: Record<string, unknown> = {},
): FdrEventJson {
  const event = anFdrEvent({ remarks: '', ...changes })
  const track = event.response_data.track_payload as { clickPostTrackData: { additional: Record<string, unknown> } }
  Object.assign(track.clickPostTrackData.additional, {
    ndr_status_code: ndrCode,
    ndr_status_description: ndrDescription,
  })
  return event
}

const credentials = {
  phoneNumberId: '810000000000001',
  wabaId: '910000000000001',
  accessToken: 'EAAtesttoken0001',
  appSecret: 'test_app_secret_0001',
}

/** One account at the simulator, and the same as credentials of a connection. */
export const simulatorAccount = {
  credentials,
  account: {
    phoneNumberId: credentials.phoneNumberId,
    wabaId: credentials.wabaId,
    displayPhoneNumber: '+91 11 4000 1234',
    accessToken: credentials.accessToken,
    appSecret: credentials.appSecret,
  },
}

/** An approved purchase order, as the purchasing system tells it. */
export const aPurchaseOrder = (changes: object = {}): Record<string, unknown> => ({
  type: 'purchase_order.approved',
  tenant_id: 'b3b4',
  account_id: 379,
  supplier: { name: 'Huerta Sol', phone: '+34612345678' },
  po_number: 'PO-001',
  total_amount: '€100.00',
  ...changes,
})
