/** `npm run demo`: whole conversations on this machine, with no account anywhere. `-- --once` ends after the play. */

import { parseArgs } from 'node:util'
import { createScreen } from './screen.ts'
import { createTerminal } from './terminal.ts'

/** Ending takes a moment; what hangs longer is cut off. */
const closeMs = 10_000
const interruptedCode = 130

const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } })
const terminal = createTerminal(process.stdout, process.env)
terminal.print(...createScreen(terminal).opening())

const interrupt = new AbortController()
// A terminal sends the same signal to npm and to us, so it may come twice.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort())
interrupt.signal.addEventListener('abort', () => setTimeout(() => process.exit(interruptedCode), closeMs).unref())

// The gateway takes a second to load, and the reader should not wait for the first line.
const { tellStory } = await import('./story.ts')
const finish = (problems: readonly string[]): void => {
  const isFine = problems.length === 0
  terminal.print(...problems.map((problem) => `  ${problem}`), '', isFine ? 'demo: ok' : 'demo: failed')
  // A play that was broken off may still be waiting for something.
  if (!isFine) process.exit(1)
}

await tellStory(terminal, { isOnce: values.once, interrupted: interrupt.signal }).then(finish, (error: unknown) => {
  if (interrupt.signal.aborted) process.exit(interruptedCode)
  finish([error instanceof Error ? error.message : String(error)])
})
