/** Draws moments on the terminal, with the right names and the time since their conversation began. */

import type { Person } from './chat.ts'
import type { Moment } from './moments.ts'
import type { Screen } from './screen.ts'
import type { Terminal } from './terminal.ts'
import { tapCommands } from './try-it.ts'

export interface Narrator {
  /** Times count from now on. */
  begin(): void
  show(moment: Moment, at: number): void
  /** From now on every message comes with the commands that tap its buttons. */
  offerTaps(simulatorUrl: string): void
}

/** After such a silence something new begins. */
const silenceMs = 5_000

/** @param people who is who, by digits of the phone */
export function createNarrator(terminal: Terminal, screen: Screen, people: ReadonlyMap<string, Person>): Narrator {
  let startedAt = Date.now()
  let lastAt = startedAt
  let tapsAt: string | undefined
  const personOf = ({ customer }: Moment): Person => people.get(customer) ?? { name: `+${customer}`, brand: 'The shop' }

  return {
    begin() {
      startedAt = Date.now()
      lastAt = startedAt
    },
    show(moment, at) {
      if (at - lastAt > silenceMs) startedAt = at
      lastAt = at
      terminal.print(...screen.moment(moment, (at - startedAt) / 1_000, personOf(moment)))
      if (tapsAt === undefined || moment.kind !== 'message') return
      terminal.print(...tapCommands(tapsAt, moment, terminal.paint), '')
    },
    offerTaps(simulatorUrl) {
      tapsAt = simulatorUrl
    },
  }
}
