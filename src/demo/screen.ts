/** How everything looks. Pure: data in, lines out. */

import { answer, bubble, type Person } from './chat.ts'
import { activityEntry, entry, ndrEntry } from './entries.ts'
import type { Moment } from './moments.ts'
import { columnsOf, type Look, padTo, wrap } from './text.ts'

const stepColumns = 12

export type Screen = ReturnType<typeof createScreen>

export function createScreen(look: Look) {
  const { width, paint } = look
  const prose = (text: string): string[] => wrap(text, width - 2)
  return {
    opening: (): string[] => [
      '',
      paint.bold('fdr-gateway demo'),
      ...prose('A parcel could not be delivered. The customer decides on WhatsApp what happens next.'),
      ...prose('All on this machine: a simulator plays WhatsApp, the courier side and the customers.').map(paint.dim),
      '',
    ],

    /** Something of the set-up is done. */
    step(name: string, detail: string): string[] {
      const [first = '', ...rest] = wrap(detail, width - stepColumns - 6)
      const indent = ' '.repeat(stepColumns + 4)
      return [`  ${paint.green('✓')} ${padTo(name, stepColumns)}${first}`, ...rest.map((line) => indent + line)]
    },

    heading(title: string): string[] {
      const rule = '─'.repeat(Math.max(3, width - columnsOf(title) - 4))
      return ['', `${paint.dim('──')} ${paint.bold(title)} ${paint.dim(rule)}`]
    },

    prose: (text: string): string[] => [...prose(text), ''],

    /** A failed delivery is told to the gateway. */
    eventIn: (facts: string): string[] => [entry(look, 0, 'WMS event', `${paint.bold('POST /v1/events')}  ${facts}`)],

    moment: (moment: Moment, seconds: number, person: Person): string[] => draw(look, moment, seconds, person),
  }
}

/** One moment of a conversation. */
function draw(look: Look, moment: Moment, seconds: number, { name, brand }: Person): string[] {
  const { paint } = look
  switch (moment.kind) {
    case 'message': {
      const heading = `${paint.bold(brand)} ${paint.dim(`to ${name}, +${moment.customer}`)}`
      return bubble(look, heading, moment.text, moment.buttons)
    }
    case 'tap':
      return answer(look, name, 'taps', moment.title)
    case 'words':
      return answer(look, name, 'writes', moment.text)
    case 'refused':
      return [entry(look, seconds, 'WhatsApp', paint.red(`refused: ${moment.detail}`))]
    case 'ndr':
      return ndrEntry(look, seconds, moment.body)
    case 'activity':
      return [activityEntry(look, seconds, moment.event)]
    case 'again':
      return [entry(look, seconds, 'WMS event', `the same event once more: ${moment.outcome}, no second message`)]
  }
}
