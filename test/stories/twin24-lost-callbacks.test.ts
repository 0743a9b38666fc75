import { expect } from 'chai'
import { createRandom } from '../../src/providers/simulator/random.ts'
import type { TwinRule } from '../../src/providers/simulator/twin24/inputs.ts'
import { aClock, activityOf, decisionsOf, settle, sharedWorld, storages, timelineOf } from '../support/stories.ts'
import { answerAtTwin, aTwinAccount, aTwinMessage, type TwinFirstMessage } from '../support/twin24.ts'
import { until, type World } from '../support/world.ts'

/** What becomes of one message at TWIN, and what its customer answers there. */
interface Fate {
  readonly ends: 'DELIVERED' | 'UNDELIVERED' | 'ERROR'
  readonly answer?: string
}

const everyFate: readonly Fate[] = [
  { ends: 'DELIVERED', answer: 'yes' },
  { ends: 'UNDELIVERED' },
  { ends: 'DELIVERED', answer: 'no' },
  { ends: 'DELIVERED' },
  { ends: 'ERROR' },
  { ends: 'DELIVERED', answer: 'yes' },
]
const fates = [...everyFate, ...everyFate]
const dialogueResults = { confirmation: { yes: 'reattempt', no: 'cancel' } }

/** Callback lies by which half are lost, 30 % told twice and half told before the answer. */
function callbackLies(random: () => number, ends: string): NonNullable<TwinRule['callbacks']> {
  const suppress = ['PENDING', ends].filter(() => random() < 0.5)
  return { suppress, duplicates: random() < 0.3 ? 2 : 1, beforeAnswer: random() < 0.5, reversed: random() < 0.5 }
}

interface Weather {
  readonly label: string
  callbacksOf(random: () => number, ends: string): TwinRule['callbacks']
  /** How many of the two callbacks of each message arrive, a doubled one counting once and twice. */
  readonly arrived: { readonly least: number; readonly most: number; readonly doubled: number }
}

const all = fates.length * 2
const weathers: readonly Weather[] = [
  { label: 'every callback', callbacksOf: () => ({}), arrived: { least: all, most: all, doubled: 0 } },
  {
    label: 'no callback at all',
    callbacksOf: (_random, ends) => ({ suppress: ['PENDING', ends] }),
    arrived: { least: 0, most: 0, doubled: 0 },
  },
  {
    label: 'callbacks lost, doubled and early',
    callbacksOf: callbackLies,
    arrived: { least: all * 0.4, most: all * 0.6, doubled: all * 0.1 },
  },
]

/** The callbacks that arrived: different ones, and how many of them came again. */
function arrivedAt(world: World) {
  const bodies = world.provider.twin24.calls().flatMap(({ kind, body }) => (kind === 'status' ? [body] : []))
  const different = new Set(bodies).size
  return { different, doubled: bodies.length - different }
}

/** What an operator, the activity's readers and the courier side see of it in the end. */
async function seenOf(world: World, { id, customer }: TwinFirstMessage) {
  const { state, status, failure, conversation } = await timelineOf(world, id)
  const decisions = decisionsOf(world, customer).map(({ action }) => action)
  const activity = [...new Set(await activityOf(world, id))]
  return { state, status, failure: failure?.code, decision: conversation?.decision ?? null, decisions, activity }
}

const actionOf = (answer: string | undefined) =>
  answer === undefined ? null : dialogueResults.confirmation[answer as 'yes' | 'no']

for (const storage of storages) {
  describe(`TWIN's callbacks may be lost, on ${storage}`, () => {
    for (const { label, callbacksOf, arrived } of weathers) {
      describe(`with ${label}`, () => {
        const clock = aClock(new Date().toISOString())
        const shared = sharedWorld({ storage, now: clock.now })

        it('final states and results of dialogues are the same in the end', async () => {
          const world = shared()
          clock.advance((Date.now() - clock.now().getTime()) / 60_000)
          const random = createRandom(2)
          const account = await aTwinAccount(world, { connection: { dialogueResults } })
          const told: (TwinFirstMessage & { readonly fate: Fate })[] = []
          for (const fate of fates) {
            const rule = { ends: fate.ends, description: 'Told when asked', callbacks: callbacksOf(random, fate.ends) }
            told.push({ fate, ...(await aTwinMessage(world, account, { rule })) })
          }
          clock.advance(1)
          const statusOf = async (id: string) => (await timelineOf(world, id)).status
          for (const { id } of told)
            await until('its end is known', async () => ['delivered', 'failed'].includes(await statusOf(id)))

          clock.advance(1)
          await settle(world)
          for (const message of told) {
            const { answer } = message.fate
            if (answer) await answerAtTwin(world, message, { results: { confirmation: answer } })
          }
          clock.advance(4)
          for (const { id, fate } of told.filter(({ fate: { answer } }) => answer !== undefined))
            await until('the decision is there', async () => {
              const { conversation } = await timelineOf(world, id)
              return conversation?.decision === actionOf(fate.answer)
            })
          await settle(world)
          expect(await Promise.all(told.map((message) => seenOf(world, message)))).to.deep.equal(fates.map(expected))
          for (const { sent } of told) expect(sent, 'sent once').to.have.length(1)
          const { different, doubled } = arrivedAt(world)
          expect(different).to.be.within(arrived.least, arrived.most)
          expect(doubled).to.be.at.least(arrived.doubled)
        })
      })
    }
  })
}

/** The same, whatever the callbacks were. */
function expected({ ends, answer }: Fate) {
  const action = actionOf(answer)
  const names = { reattempt: 'Reattempt', cancel: 'Cancel my order' } as const
  const isDelivered = ends === 'DELIVERED'
  return {
    state: 'accepted',
    status: isDelivered ? 'delivered' : 'failed',
    failure: isDelivered ? undefined : ends === 'UNDELIVERED' ? 'recipient_unreachable' : 'unknown_refusal',
    decision: action,
    decisions: action ? [action] : [],
    activity: [
      'inqueue',
      isDelivered ? 'delivered' : 'failed',
      ...(action ? [names[action as keyof typeof names]] : []),
    ],
  }
}
