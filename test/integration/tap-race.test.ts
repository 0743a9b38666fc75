import { expect } from 'chai'
import { type App, startApp } from '../../src/app.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { readEnv } from '../../src/env.ts'
import { configDir } from '../../src/paths.ts'
import { scaled } from '../support/scale.ts'
import {
  aFirstMessage,
  anAccount,
  aTapOn,
  aWebhook,
  decisionsOf,
  messagesTo,
  postWebhook,
  settle,
  timelineOf,
} from '../support/stories.ts'
import { adminKey, startWorld, type World } from '../support/world.ts'

let nextShipment = 73_000_000

describe('two taps in the same moment, each at another replica', function () {
  this.timeout(120_000)
  let world: World
  let other: App

  before(async () => {
    world = await startWorld({ storage: 'mysql' })
    other = await startApp({
      env: readEnv(world.env),
      log: createLogger('silent'),
      configDir,
      secretsKeys: world.env.SECRETS_KEYS ?? '',
      adminKey,
    })
  })
  after(async () => {
    await other?.stop()
    await world?.close()
  })

  /** Customers who tap two different buttons at once, and what came of it. */
  async function race(count: number, settings: object) {
    const account_id = await anAccount(world, settings)
    const told: Awaited<ReturnType<typeof aFirstMessage>>[] = []
    for (let n = 0; n < count; n++) told.push(await aFirstMessage(world, { account_id, id: nextShipment++ }))
    // The conversations exist by then: nothing but the order of the two taps keeps them apart.
    await Promise.all(told.map(({ sent }) => world.provider.tap(sent.wamid, { title: 'Select new delivery date' })))
    await settle(world, 60_000)
    await Promise.all(
      told.flatMap(({ sent }) => [
        postWebhook(world, aWebhook({ messages: [aTapOn(sent, 'Reattempt')] })),
        postWebhook({ ...world, url: other.url }, aWebhook({ messages: [aTapOn(sent, 'Report fake delivery')] })),
      ]),
    )
    await settle(world, 60_000)
    return told
  }

  it('make one decision, and one is told that it has been noted', async () => {
    const winners = new Map<unknown, number>()
    for (const { customer, id } of await race(scaled(20, 200), {})) {
      const [decision, ...others] = decisionsOf(world, customer)
      expect(others, customer.phone).to.be.empty
      winners.set(decision?.action, (winners.get(decision?.action) ?? 0) + 1)
      const { actions, replies, conversation, followUps } = await timelineOf(world, id)
      expect([actions.length, replies.length, followUps.length]).to.deep.equal([1, 3, 3])
      expect(conversation?.decision).to.equal(decision?.action)
      const texts = messagesTo(world, customer).map(({ text }) => text ?? '')
      expect(texts.filter((text) => text.includes('already noted'))).to.have.length(1)
    }
    expect([...winners.keys()]).to.not.include(undefined)
  })

  it('make one decision as well where it may be changed: the one that was taken last, if it was not pushed', async () => {
    for (const { customer, id } of await race(scaled(10, 100), { flows: { changeUntilPushed: true } })) {
      const [decision, ...others] = decisionsOf(world, customer)
      expect(others, customer.phone).to.be.empty
      const { actions, conversation } = await timelineOf(world, id)
      expect(actions.map(({ action, state }) => [action, state])).to.deep.equal([[decision?.action, 'taken']])
      expect(conversation?.decision, 'what we say we know is what the courier side knows').to.equal(decision?.action)
    }
  })
})
