/** What happens, in the words of the story: made from what the gateway and the simulator tell. Pure. */

import { digitsOf } from '../core/contract/address.ts'
import type { SimulatorEvent } from '../providers/simulator/events.ts'
import { type Fields, fieldsOf, listOf, textOf } from '../providers/simulator/shapes.ts'

/** An activity event as it is published. */
export interface ActivityEvent {
  readonly eventSubType: string
  readonly response_data: Fields
}

interface About {
  /** Digits of the customer's phone. */
  readonly customer: string
}

export type Moment = About &
  (
    | { readonly kind: 'message'; readonly messageId: string; readonly text: string; readonly buttons: string[] }
    | { readonly kind: 'tap'; readonly title: string }
    | { readonly kind: 'words'; readonly text: string }
    | { readonly kind: 'refused'; readonly detail: string }
    | { readonly kind: 'ndr'; readonly body: Fields }
    | { readonly kind: 'activity'; readonly event: ActivityEvent }
    | { readonly kind: 'again'; readonly outcome: string }
  )

/** An event of the simulator as a moment; undefined for what the story leaves out. */
export function momentOf({ type, data }: SimulatorEvent): Moment | undefined {
  const fields = fieldsOf(data)
  const customer = digitsOf(textOf(fields.to))
  switch (type) {
    case 'accepted':
      return messageMoment(fields, customer)
    case 'refused':
      return { kind: 'refused', customer, detail: `${fields.code} ${textOf(fields.details)}`.trim() }
    case 'tap':
      return { kind: 'tap', customer, title: textOf(fields.title) }
    case 'inbound':
      return wordsMoment(fieldsOf(fields.message))
    case 'ndr':
      return ndrMoment(fields)
    default:
      return undefined
  }
}

function messageMoment({ wamid, text, buttons }: Fields, customer: string): Moment {
  const titles = listOf(buttons).map((button) => textOf(fieldsOf(button).title))
  return { kind: 'message', customer, messageId: textOf(wamid), text: textOf(text), buttons: titles }
}

/** Taps come as events of their own. */
function wordsMoment(message: Fields): Moment | undefined {
  const type = textOf(message.type)
  if (type === 'button' || type === 'interactive') return undefined
  const text = textOf(fieldsOf(message.text).body) || `(${type})`
  return { kind: 'words', customer: digitsOf(textOf(message.from)), text }
}

function ndrMoment({ duplicate: _, ...body }: Fields): Moment {
  return { kind: 'ndr', customer: digitsOf(textOf(body.customerPhone)), body }
}

/** @param businessPhone digits of the sender: the other one of an event's two numbers is the customer */
export function activityMoment(event: ActivityEvent, businessPhone: string): Moment {
  const { from, to } = event.response_data
  return { kind: 'activity', customer: textOf(from === businessPhone ? to : from), event }
}
