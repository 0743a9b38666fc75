/** What the machines tell each other: an entry each, `0.5s  what  the rest`. Pure. */

import type { ActivityEvent } from './moments.ts'
import { columnsOf, type Look, padTo } from './text.ts'

const whatColumns = 14
const nameColumns = 26
/** Where the rest of an entry begins. */
const indentColumns = 25

export const entry = ({ paint }: Look, seconds: number, what: string, rest: string): string =>
  `  ${paint.dim(`${seconds.toFixed(1).padStart(4)}s`)}  ${paint.dim(padTo(what, whatColumns))}  ${rest}`

/** Marks of WhatsApp behind the name of a status. */
const ticks: Readonly<Record<string, string>> = { sent: ' ✓', delivered: ' ✓✓', read: ' ✓✓' }
const colours: Readonly<Record<string, 'blue' | 'red'>> = { read: 'blue', failed: 'red' }

export function activityEntry(look: Look, seconds: number, event: ActivityEvent): string {
  const { eventSubType, response_data: data } = event
  const name = padTo(`${eventSubType}${ticks[eventSubType] ?? ''}`, nameColumns)
  const facts = [data.vendorOrderNumber, aboutWhat(event), data.deferredDate, data.failureReason]
  const { paint } = look
  const shown = paint[colours[eventSubType] ?? 'bold'](name) + paint.dim(facts.filter(Boolean).join(', '))
  return entry(look, seconds, 'activity event', shown)
}

function aboutWhat({ eventSubType, response_data: data }: ActivityEvent): string {
  if (data.isRootMessage) return 'first message'
  if (data.action_taken) return 'decision'
  return eventSubType === 'customer_reply' ? "customer's reply" : 'our answer'
}

/** A call of the NDR API with its body. */
export function ndrEntry(look: Look, seconds: number, body: object): string[] {
  const json = JSON.stringify(body).replaceAll(',"', ', "').replaceAll('":', '": ')
  const indent = ' '.repeat(indentColumns)
  return [
    entry(look, seconds, 'NDR API', look.paint.bold('POST /_ah/ESB/v1/ndrNotification')),
    ...jsonLines(json, look.width - indentColumns).map((line) => indent + line),
  ]
}

/** Breaks JSON behind commas. */
function jsonLines(json: string, columns: number): string[] {
  const lines: string[] = []
  for (const part of json.split(/(?<=,) /)) {
    const line = lines.at(-1)
    const isFitting = line !== undefined && columnsOf(line) + 1 + columnsOf(part) <= columns
    if (isFitting) lines[lines.length - 1] = `${line} ${part}`
    else lines.push(part)
  }
  return lines
}
