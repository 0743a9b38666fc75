/** Plays the scenes and gathers what came of them. */

import { setTimeout as sleep } from 'node:timers/promises'
import { digitsOf } from '../core/contract/address.ts'
import type { Live } from './live.ts'
import type { Narrator } from './narrator.ts'
import type { Screen } from './screen.ts'
import type { Scene } from './script.ts'
import type { Stage } from './stage.ts'
import { isComplete, type Played, type Timeline } from './summary.ts'
import type { Terminal } from './terminal.ts'

export interface PlayDeps {
  readonly stage: Stage
  readonly scenes: readonly Scene[]
  readonly live: Live
  readonly narrator: Narrator
  readonly screen: Screen
  readonly terminal: Terminal
}

/** A scene that is not over by then will not be. */
const sceneMs = 15_000
const pauseMs = 600

/** Plays one scene to its end. */
export async function playScene(deps: PlayDeps, scene: Scene): Promise<Played> {
  const { stage, live, narrator, screen, terminal } = deps
  for (const answer of scene.answers) stage.simulator.addCustomer({ name: scene.person.name, ...answer })
  terminal.print(...screen.heading(scene.title), ...screen.prose(scene.intro))
  await sleep(pauseMs)
  narrator.begin()
  terminal.print(...screen.eventIn(scene.eventFacts))
  const outcomes = await deliver(deps, scene)
  const customer = digitsOf(scene.phone)
  await live.until(() => isComplete(scene, live.of(customer)), sceneMs)
  return { scene, outcomes, moments: live.of(customer), timelines: await timelinesOf(stage, scene) }
}

/** Sends the event, and once more when the message is on its way. Resolves with what the gateway made of each. */
async function deliver({ stage, live }: PlayDeps, { event, phone, isSentTwice }: Scene): Promise<string[]> {
  const post = async () => (await stage.api.call<{ outcome: string }>('POST', '/v1/events', event)).outcome
  const first = await post()
  if (!isSentTwice) return [first]
  const customer = digitsOf(phone)
  await live.until(() => live.of(customer).some((moment) => moment.kind === 'activity'), sceneMs)
  const second = await post()
  live.add({ kind: 'again', customer, outcome: second })
  return [first, second]
}

interface Message {
  readonly id: string
  readonly rootMessageId: string | null
}

type WholeMessage = Omit<Timeline, 'reports' | 'followUps'> & {
  readonly reports: readonly object[]
  readonly followUps: readonly Message[]
}

/** The timelines of all first messages to the customer: there should be one. */
async function timelinesOf({ api }: Stage, { phone }: Scene): Promise<Timeline[]> {
  const whole = (id: string) => api.call<WholeMessage>('GET', `/v1/messages/${id}`)
  const { items } = await api.call<{ items: Message[] }>('GET', `/v1/messages?phone=${encodeURIComponent(phone)}`)
  const roots = items.filter(({ rootMessageId }) => rootMessageId === null)
  return Promise.all(
    roots.map(async ({ id }) => {
      const root = await whole(id)
      const answers = await Promise.all(root.followUps.map((followUp) => whole(followUp.id)))
      return { ...root, reports: [root, ...answers].reduce((sum, message) => sum + message.reports.length, 0) }
    }),
  )
}
