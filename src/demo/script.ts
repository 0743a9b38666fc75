/** What is played: two failed deliveries, how their customers answer, and what must have come of it. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configDir } from '../paths.ts'
import type { CustomerInput } from '../providers/simulator/inputs.ts'
import type { Person } from './chat.ts'

/** A real event, personal data replaced. */
export const exampleEventPath = join(configDir, 'examples', 'fdr-event.json')

interface TrackingUpdate {
  readonly response_data: Readonly<Record<string, unknown>> & {
    readonly track_payload: { readonly clickPostTrackData: { readonly additional: object } }
  }
}

export interface Scene {
  readonly title: string
  readonly intro: string
  readonly person: Person
  /** E.164. */
  readonly phone: string
  readonly account: { readonly id: number; readonly slug: string; readonly language: string }
  /** The event that starts it, and its gist. */
  readonly event: object
  readonly eventFacts: string
  /** Brokers deliver at least once: is the event sent again? */
  readonly isSentTwice: boolean
  readonly answers: readonly CustomerInput[]
  readonly expected: Expected
}

export interface Expected {
  /** Answers of the gateway. */
  readonly followUps: number
  readonly replies: number
  /** What the courier side is told; `byDate`: with the date on the button that was tapped last. */
  readonly decision: { readonly action: string; readonly byDate: boolean }
  /** `eventSubType` -> how many. */
  readonly activity: Readonly<Record<string, number>>
}

/** How long a customer thinks. */
const thinkMs = 900

/** The scenes, in order. */
export function writeScript(): readonly Scene[] {
  const example = JSON.parse(readFileSync(exampleEventPath, 'utf8')) as TrackingUpdate
  return [newDate(example), cancelled(example)]
}

function newDate(example: TrackingUpdate): Scene {
  const phone = '+919810012345'
  const ndr = { code: 1, description: 'Customer unavailable' }
  return {
    title: '1. Asha was not at home',
    intro:
      'The courier found nobody (NDR code 1). Asha gets a message and chooses another day. Lines that begin with ' +
      '"activity event" are what the gateway publishes to the rest of the platform.',
    person: { name: 'Asha Nair', brand: 'Acme Shopify' },
    phone,
    account: { id: 379, slug: 'acme-store', language: 'en' },
    event: failedDelivery(example, ndr, { status_log_id: '124953601', remarks: 'Customer not available' }),
    eventFacts: factsOf(ndr),
    isSentTwice: true,
    answers: [
      { phone, when: 'fdr_customer_unavailable', tap: 'Select new delivery date', ...slowly },
      { phone, when: 'interactive', tap: 1, ...slowly },
    ],
    expected: {
      followUps: 2,
      replies: 2,
      decision: { action: 'reschedule', byDate: true },
      activity: { inqueue: 1, sent: 3, delivered: 3, read: 3, customer_reply: 1, 'Select new delivery date': 1 },
    },
  }
}

function cancelled(example: TrackingUpdate): Scene {
  const phone = '+919810054321'
  const ndr = { code: 2, description: 'Rejected by customer' }
  return {
    title: '2. Ravi does not want it any more',
    intro: 'He refused the parcel (NDR code 2). His shop writes Hindi: the button that he taps says "Cancel my order".',
    person: { name: 'Ravi Verma', brand: 'Sundar Store' },
    phone,
    account: { id: 412, slug: 'sundar-store', language: 'hi' },
    event: {
      ...failedDelivery(example, ndr, { ...ravisOrder, status_log_id: '124953602', remarks: 'Customer refused' }),
      accountSlug: 'sundar-store',
      account_slug: 'sundar-store',
    },
    eventFacts: factsOf(ndr),
    isSentTwice: false,
    answers: [{ phone, when: 'fdr_rejected_by_customer', tap: 'मेरा ऑर्डर रद्द करें', ...slowly }],
    expected: {
      followUps: 1,
      replies: 1,
      decision: { action: 'cancel', byDate: false },
      activity: { inqueue: 1, sent: 2, delivered: 2, read: 2, 'Cancel my order': 1 },
    },
  }
}

const slowly = { on: 'read', afterMs: thinkMs, next: 1 } as const

const ravisOrder = {
  account_id: 412,
  account_slug: 'sundar-store',
  channelLabel: 'Sundar Store',
  id: 17148502,
  order_id: 48884902,
  vendorOrderNumber: '#98112',
  customerOrderNumber: '4980116095201',
  externalShipmentID: '4980116095201-90801',
  trackingID: '1704612602270',
  customerName: 'Ravi Verma',
  customerContactNumber: '9810054321',
  email: 'ravi.verma@example.com',
  items: [{ productName: 'Steel Bottle 1 L', quantity: 1 }],
}

interface Ndr {
  readonly code: number
  readonly description: string
}

const factsOf = ({ code, description }: Ndr): string => `NDR code ${code}, ${description}`

/** The example with another NDR code, and whatever else is different in `response_data`. */
function failedDelivery(example: TrackingUpdate, ndr: Ndr, changes: Readonly<Record<string, unknown>>): object {
  const event = structuredClone(example)
  Object.assign(event.response_data.track_payload.clickPostTrackData.additional, {
    ndr_status_code: ndr.code,
    ndr_status_description: ndr.description,
  })
  Object.assign(event.response_data, changes)
  return event
}
