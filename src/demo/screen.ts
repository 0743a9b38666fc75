/**
 * How everything looks. Pure: data in, lines out. Bubbles have a bar at their left side only, since terminals do not
 * agree on how wide Devanagari is.
 */

import type { ActivityEvent, Moment } from './moments.ts'
import { columnsOf, type Paint, padTo, wrap } from './text.ts'

export interface ScreenOptions {
  readonly width: number
  readonly paint: Paint
}

/** Who is who in a bubble's first line, by digits of the phone. */
export interface Person {
  readonly name: string
  readonly brand: string
}

const bubbleColumns = 66
const answerColumns = 40

/** Marks of WhatsApp behind the name of a status. */
const ticks: Readonly<Record<string, string>> = { sent: '✓', delivered: '✓✓', read: '✓✓' }

export type Screen = ReturnType<typeof createScreen>

export function createScreen({ width, paint }: ScreenOptions) {
  const bar = paint.green('│')
  const prose = (text: string): string[] => wrap(text, width - 2)

  const bubble = (from: string, text: string, buttons: readonly string[]): string[] => {
    const lines = wrap(text, Math.min(bubbleColumns, width - 8)).map((line) => `    ${bar} ${line}`)
    const offered = buttons.map((title) => `    ${bar} ${paint.cyan(`[ ${title} ]`)}`)
    return ['', `    ${from}`, ...lines, ...(offered.length > 0 ? [`    ${bar}`, ...offered] : []), '']
  }

  const answer = (from: string, text: string, isTap: boolean): string[] => {
    const indent = ' '.repeat(width - answerColumns - 4)
    const said = wrap(text, answerColumns).map((line) => `${indent}${paint.yellow('│')} ${paint.bold(line)}`)
    return ['', `${indent}${from}${isTap ? paint.dim(' taps') : paint.dim(' writes')}`, ...said, '']
  }

  /** `0.5s  what  rest`, the shape of everything that is no bubble. */
  const entry = (seconds: number, what: string, rest: string): string =>
    `  ${paint.dim(`${seconds.toFixed(1).padStart(4)}s`)}  ${paint.dim(padTo(what, 14))}  ${rest}`

  const activity = (event: ActivityEvent, seconds: number): string => {
    const { eventSubType } = event
    const tick = ticks[eventSubType] ?? ''
    const name = [eventSubType, tick].filter(Boolean).join(' ')
    const colour = colourOf(eventSubType)
    const facts = activityFacts(event)
    return entry(seconds, 'activity event', `${paint[colour](padTo(name, 26))}${paint.dim(facts)}`)
  }

  const ndr = (body: object, seconds: number): string[] => {
    const indent = ' '.repeat(25)
    const words = JSON.stringify(body).replaceAll(',"', ', "').replaceAll('":', '": ')
    const lines = jsonLines(words, width - columnsOf(indent))
    return [
      entry(seconds, 'NDR API', paint.bold('POST /_ah/ESB/v1/ndrNotification')),
      ...lines.map((line) => indent + paint.bold(line)),
    ]
  }

  return {
    opening: (): string[] => [
      '',
      paint.bold('fdr-gateway demo'),
      ...prose('A parcel could not be delivered. The customer decides on WhatsApp what happens next.'),
      ...wrap('All on this machine: a simulator plays WhatsApp, the courier side and the customers.', width).map(
        (line) => paint.dim(line),
      ),
      '',
    ],

    /** Something of the set-up is done. */
    step: (name: string, detail: string): string[] => {
      const lines = wrap(detail, width - 18)
      const rest = lines.slice(1).map((line) => ' '.repeat(16) + line)
      return [`  ${paint.green('✓')} ${padTo(name, 12)}${lines[0] ?? ''}`, ...rest]
    },

    heading: (title: string): string[] => {
      const rule = '─'.repeat(Math.max(3, width - columnsOf(title) - 4))
      return ['', `${paint.dim('──')} ${paint.bold(title)} ${paint.dim(rule)}`]
    },

    prose: (text: string): string[] => [...prose(text), ''],

    eventIn: (facts: string): string[] => [entry(0, 'WMS event', `${paint.bold('POST /v1/events')}  ${facts}`)],

    /** One moment of a conversation. */
    moment(moment: Moment, seconds: number, { name, brand }: Person): string[] {
      switch (moment.kind) {
        case 'message':
          return bubble(
            `${paint.bold(brand)} ${paint.dim(`to ${name}, +${moment.customer}`)}`,
            moment.text,
            moment.buttons,
          )
        case 'tap':
          return answer(name, moment.title, true)
        case 'words':
          return answer(name, moment.text, false)
        case 'refused':
          return [entry(seconds, 'WhatsApp', paint.red(`refused: ${moment.detail}`))]
        case 'ndr':
          return ndr(moment.body, seconds)
        case 'activity':
          return [activity(moment.event, seconds)]
        case 'again':
          return [entry(seconds, 'WMS event', `the same event once more: ${moment.outcome}, no second message`)]
      }
    },
  }
}

const colourOf = (eventSubType: string): 'red' | 'blue' | 'bold' =>
  eventSubType === 'failed' ? 'red' : eventSubType === 'read' ? 'blue' : 'bold'

/** What tells one activity event from another. */
function activityFacts(event: ActivityEvent): string {
  const { response_data: data } = event
  const decided = data.deferredDate ? `for ${data.deferredDate}` : ''
  const about = aboutWhat(event)
  return [data.vendorOrderNumber, about, decided, data.failureReason]
    .filter(Boolean)
    .join(', ')
    .replace(', for', ' for')
}

function aboutWhat({ eventSubType, response_data: data }: ActivityEvent): string {
  if (data.isRootMessage) return 'first message'
  if (data.action_taken) return 'decision'
  return eventSubType === 'customer_reply' ? "customer's reply" : 'our answer'
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
