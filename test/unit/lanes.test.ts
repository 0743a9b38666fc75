import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'chai'
import type { Connection } from '../../src/core/accounts/connections.ts'
import type { SendOutcome } from '../../src/core/contract/provider.ts'
import { createLanes, type Lanes, type LanesDeps } from '../../src/core/sending/lanes.ts'
import type { ClaimedMessage } from '../../src/core/sending/outgoing-message.ts'
import { aConnection as aPlainConnection } from '../support/records.ts'

/** One whose pace holds up nothing. */
const aConnection = (id: number, changes: Partial<Connection> = {}): Connection =>
  aPlainConnection(id, { limits: { messagesPerSecond: 1_000_000, concurrency: 2 }, ...changes })

const aMessage = (id: number, connectionId = 1): ClaimedMessage => ({
  id,
  conversationId: id,
  reference: `reference-${id}`,
  attempt: 1,
  accountId: 379,
  channelId: undefined,
  kind: 'fdr',
  isAnswer: false,
  connectionId,
  customerPhone: `+91981001000${id}`,
  customerUserId: undefined,
  businessPhone: undefined,
  contextMessageId: undefined,
  templateId: undefined,
  content: { type: 'text', text: 'Hello' },
  expiresAt: undefined,
  callBefore: Number.POSITIVE_INFINITY,
})

const turns = async (count = 10): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await nextTurn()
}

describe('lanes', () => {
  const connections = new Map<number, Connection>()
  const waiting: ClaimedMessage[] = []
  let sent: number[]
  let breakerStates: string[]
  let lanes: Lanes

  const create = (changes: Partial<LanesDeps> = {}) => {
    lanes = createLanes({
      store: {
        claim: async (connectionId, limit) => {
          const own = waiting.filter((message) => message.connectionId === connectionId).slice(0, limit)
          for (const message of own) waiting.splice(waiting.indexOf(message), 1)
          return own
        },
      },
      giveBack: async (messages) => void waiting.push(...messages),
      now: () => new Date(),
      send: async (message) => void sent.push(message.id),
      connection: async (id) => connections.get(id),
      share: () => 1,
      pairLimitOf: () => ({ everyMs: 0, burst: 1 }),
      onBreaker: (id, state) => breakerStates.push(`${id} ${state}`),
      onError: (error) => {
        throw error
      },
      ...changes,
    })
  }

  beforeEach(() => {
    connections.clear()
    for (const id of [1, 2]) connections.set(id, aConnection(id))
    waiting.splice(0)
    sent = []
    breakerStates = []
    create()
  })

  afterEach(() => lanes.drain())

  it('makes a lane when its connection first has something to send, with that connection’s own bound', () => {
    expect(lanes.snapshot()).to.deep.equal([])
    for (const recipient of ['a', 'b', 'c']) lanes.reserve(aConnection(1), recipient)
    expect(lanes.snapshot()).to.deep.equal([{ connectionId: 1, inFlight: 2, breaker: 'closed' }])
    expect(lanes.reserve(aConnection(2), 'a'), 'another connection').to.be.an('object')
    create()
  })

  it('sends what waits for the connection that is woken, and nothing else', async () => {
    waiting.push(aMessage(1, 1), aMessage(2, 2))
    await lanes.wake(2)
    await turns()
    expect(sent).to.deep.equal([2])
  })

  for (const state of ['paused', 'deleted'] as const) {
    it(`neither wakes nor reserves a connection that is ${state}`, async () => {
      connections.set(1, aConnection(1, { state }))
      waiting.push(aMessage(1, 1))
      await lanes.wake(1)
      await turns()
      expect(sent).to.deep.equal([])
      expect(lanes.reserve(aConnection(1, { state }), 'a')).to.equal(undefined)
    })
  }

  it('does nothing for a connection that does not exist', async () => {
    await lanes.wake(99)
    expect(lanes.snapshot()).to.deep.equal([])
  })

  it('one connection that does not answer holds up no other', async () => {
    create({
      send: (message) =>
        message.connectionId === 1 ? new Promise(() => {}) : Promise.resolve().then(() => void sent.push(message.id)),
    })
    waiting.push(aMessage(1, 1), aMessage(2, 1), aMessage(3, 1), aMessage(4, 2))
    await Promise.all([lanes.wake(1), lanes.wake(2)])
    await turns()
    expect(sent).to.deep.equal([4])
    create()
  })

  it('pauses a lane whose provider is in trouble, and tells so', async () => {
    const trouble: SendOutcome = { outcome: 'refused', failure: { code: 'connection_unreachable' } }
    create({
      send: async (message, breaker) => {
        await breaker.run(async () => trouble)
        sent.push(message.id)
      },
    })
    for (let id = 1; id <= 30; id++) waiting.push(aMessage(id))
    await lanes.wake(1)
    await turns(50)
    expect(breakerStates).to.deep.equal(['1 open'])
    expect(sent.length).to.be.within(10, 14)
    expect(sent.length + waiting.length).to.equal(30)
    expect(lanes.snapshot()).to.deep.equal([{ connectionId: 1, inFlight: 0, breaker: 'open' }])
  })

  describe('pause', () => {
    const anOccupied = async () => {
      const ends: (() => void)[] = []
      create({
        send: (message) =>
          new Promise((resolve) => {
            sent.push(message.id)
            ends.push(() => resolve())
          }),
      })
      for (let id = 1; id <= 6; id++) waiting.push(aMessage(id))
      await lanes.wake(1)
      await turns()
      expect(sent).to.deep.equal([1, 2])
      return async () => {
        for (const end of ends.splice(0)) end()
        await turns()
      }
    }

    it('begins nothing more at once, and goes on when it is woken while active', async () => {
      const endAll = await anOccupied()
      lanes.pause(1)
      await endAll()
      expect(sent).to.deep.equal([1, 2])
      expect(lanes.reserve(aConnection(1), 'a')).to.equal(undefined)
      await lanes.wake(1)
      await turns()
      expect(sent).to.deep.equal([1, 2, 3, 4])
      await endAll()
      await endAll()
    })

    it('stops as well when it learns that another replica paused the connection', async () => {
      const endAll = await anOccupied()
      connections.set(1, aConnection(1, { state: 'paused' }))
      await lanes.wake(1)
      await endAll()
      expect(sent).to.deep.equal([1, 2])
    })

    it('is nothing to a connection that never sent', () => {
      lanes.pause(99)
      lanes.slowDown(99)
      expect(lanes.snapshot()).to.deep.equal([])
    })
  })

  it('divides the pace among the replicas, and follows limits that are changed', () => {
    const limits = { messagesPerSecond: 1_000, concurrency: 1_000 }
    const burst = (changes: Partial<Connection>, replicas: number) => {
      create({ share: () => 1 / replicas })
      const owner = aConnection(1, { limits, ...changes })
      lanes.reserve(owner, 'first')?.release()
      const until = performance.now() + 200
      while (performance.now() < until);
      let count = 0
      while (lanes.reserve(owner, `recipient-${count}`)) count++
      const result = count
      create()
      return result
    }
    expect(burst({}, 1)).to.be.within(100, 110)
    expect(burst({}, 2)).to.be.within(50, 56)
    expect(burst({ limits: { ...limits, messagesPerSecond: 200 } }, 1)).to.be.within(20, 23)
  })

  it('slows down the one connection that was too fast', () => {
    lanes.reserve(aConnection(1), 'a')
    lanes.reserve(aConnection(2), 'a')
    lanes.slowDown(1, 60_000)
    expect(lanes.reserve(aConnection(1), 'b')).to.equal(undefined)
    expect(lanes.reserve(aConnection(2), 'b')).to.be.an('object')
    create()
  })

  it('tells whether a connection answers: one that was never asked does', async () => {
    expect(lanes.answers(1)).to.equal(true)
    const trouble: SendOutcome = { outcome: 'refused', failure: { code: 'connection_unreachable' } }
    create({ send: async (_, breaker) => void (await breaker.run(async () => trouble)) })
    for (let id = 1; id <= 30; id++) waiting.push(aMessage(id))
    await lanes.wake(1)
    await turns(50)
    expect(lanes.answers(1)).to.equal(false)
    expect(lanes.answers(2)).to.equal(true)
    waiting.splice(0)
  })

  it('begins nothing when it is drained while a connection is looked up', async () => {
    waiting.push(aMessage(1, 1))
    const waking = lanes.wake(1)
    await lanes.drain()
    await waking
    await turns()
    expect(waiting).to.have.length(1)
  })

  it('drains every lane, and gives no slot afterwards', async () => {
    const ends: (() => void)[] = []
    create({ send: () => new Promise((resolve) => void ends.push(() => resolve())) })
    waiting.push(aMessage(1, 1), aMessage(2, 2))
    await Promise.all([lanes.wake(1), lanes.wake(2)])
    await turns()
    let isDrained = false
    const drained = lanes.drain().then(() => {
      isDrained = true
    })
    ends[0]?.()
    await turns()
    expect(isDrained).to.equal(false)
    ends[1]?.()
    await drained
    expect(lanes.reserve(aConnection(1), 'a')).to.equal(undefined)
    waiting.push(aMessage(3, 1))
    await lanes.wake(1)
    await turns()
    expect(waiting).to.have.length(1)
  })
})
