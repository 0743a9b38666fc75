/** The whole demo: set the stage, play the scenes, compare with what was expected, and stay up for the reader. */

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { digitsOf } from '../core/contract/address.ts'
import { furnish } from './furnish.ts'
import { createLive } from './live.ts'
import { createNarrator } from './narrator.ts'
import { type PlayDeps, playScene } from './play.ts'
import { createScreen } from './screen.ts'
import { exampleEventPath, writeScript } from './script.ts'
import { type Stage, setStage } from './stage.ts'
import { type Played, shortfalls, summaryTable } from './summary.ts'
import type { Terminal } from './terminal.ts'
import { tryIt } from './try-it.ts'

export interface StoryOptions {
  /** End after the play instead of staying up. */
  readonly isOnce: boolean
  /** Ctrl-C. */
  readonly interrupted: AbortSignal
}

/** From the start to the summary, which takes about 15 s. */
const deadlineMs = 60_000
const betweenScenesMs = 700

/**
 * Tells the story.
 * @returns what was not as expected, a line each
 * @throws {Error} when a part could not be made ready, a step was refused, it took too long or was interrupted
 */
export async function tellStory(terminal: Terminal, { isOnce, interrupted }: StoryOptions): Promise<string[]> {
  const limit = AbortSignal.any([interrupted, AbortSignal.timeout(deadlineMs)])
  const stage = await orAbort(setStage(), limit)
  const deps = gather(stage, terminal)
  let isFine = false
  try {
    const played = await orAbort(play(deps), limit)
    const problems = shortfalls(played)
    isFine = problems.length === 0
    if (isFine && !isOnce) await stayUp(deps, played, interrupted)
    return problems
  } finally {
    const keepFolder = !isFine && !interrupted.aborted
    if (keepFolder) terminal.print('', `  The gateway's log: ${stage.logPath}`)
    deps.live.close()
    await stage.close({ keepFolder })
  }
}

function gather(stage: Stage, terminal: Terminal): PlayDeps {
  const scenes = writeScript()
  const screen = createScreen(terminal)
  const people = new Map(scenes.map(({ phone, person }) => [digitsOf(phone), person]))
  const narrator = createNarrator(terminal, screen, people)
  return { stage, scenes, narrator, screen, terminal, live: createLive(stage, narrator.show) }
}

async function play(deps: PlayDeps): Promise<Played[]> {
  const { stage, scenes, live, screen, terminal } = deps
  const startedAt = Date.now()
  await live.open()
  await furnish(stage, scenes, (step, detail) => terminal.print(...screen.step(step, detail)))
  const played: Played[] = []
  for (const scene of scenes) {
    await sleep(betweenScenesMs)
    played.push(await playScene(deps, scene))
  }
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1)
  terminal.print(...screen.heading('What happened'), ...summaryTable(played, terminal.paint), '')
  terminal.print(`  Played in ${seconds} seconds.`, '')
  return played
}

/** Shows whatever the reader does, until Ctrl-C. */
async function stayUp(deps: PlayDeps, played: readonly Played[], interrupted: AbortSignal): Promise<void> {
  const { stage, narrator, screen, terminal } = deps
  const [first] = played
  const addresses = {
    gateway: stage.api.url,
    simulator: stage.simulator.url,
    adminKey: stage.api.key,
    eventPath: exampleEventPath,
    phone: first?.scene.phone ?? '',
    messageId: first?.timelines[0]?.id ?? '',
  }
  const pages = await pagesOf(stage.api.url)
  narrator.offerTaps(stage.simulator.url)
  terminal.print(
    ...screen.heading('Now you'),
    ...screen.prose(invitation),
    ...pages.map((page) => `  ${page}`),
    ...tryIt(addresses, terminal.paint),
    '',
  )
  if (!interrupted.aborted) await once(interrupted, 'abort')
}

const invitation = 'All stays up until Ctrl-C, and whatever you do is shown here. Paste into another terminal:'

/** What this gateway offers to look at in a browser. */
async function pagesOf(url: string): Promise<string[]> {
  const pages = ['/console', '/docs'].map((path) => url + path)
  const answers = await Promise.all(pages.map((page) => fetch(page, { method: 'HEAD' }).then(({ ok }) => ok)))
  return pages.filter((_, index) => answers[index])
}

/** The result of some work, unless the signal comes first: then its reason is thrown. */
async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const finished = new AbortController()
  const aborted = async (): Promise<never> => {
    if (!signal.aborted) await once(signal, 'abort', { signal: finished.signal })
    throw asError(signal.reason)
  }
  return Promise.race([work, aborted()]).finally(() => finished.abort())
}

const asError = (reason: unknown): unknown =>
  reason instanceof DOMException && reason.name === 'TimeoutError'
    ? new Error(`the play was not over after ${deadlineMs / 1_000} s`)
    : reason
