import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'chai'
import fc from 'fast-check'
import type { SendOutcome } from '../../src/core/contract/provider.ts'
import { type Breaker, type BreakerState, createBreaker } from '../../src/core/sending/breaker.ts'
import { createLane, type Lane, type LaneDeps } from '../../src/core/sending/lane.ts'
import type { ClaimedMessage } from '../../src/core/sending/outgoing-message.ts'
import { recipientOf } from '../../src/core/sending/outgoing-rows.ts'
import { createPacer, createRecipientPacer, type Pacer, type RecipientPacer } from '../../src/core/sending/pacer.ts'

const phoneOf = (recipient: string | number): string => `+91981001${String(recipient).padStart(4, '0')}`

const aMessage = (id: number, recipient: string | number = id): ClaimedMessage => ({
  id,
  conversationId: id,
  reference: `reference-${id}`,
  attempt: 1,
  accountId: 379,
  channelId: undefined,
  kind: 'fdr',
  isAnswer: false,
  connectionId: 1,
  customerPhone: phoneOf(recipient),
  customerUserId: undefined,
  businessPhone: undefined,
  contextMessageId: undefined,
  templateId: undefined,
  content: { type: 'text', text: 'Hello' },
  expiresAt: undefined,
  callBefore: Number.POSITIVE_INFINITY,
})

/** A pace that holds up nothing. */
const noPace = (): Pacer => createPacer(() => 1_000_000, performance.now() - 1_000)
const noPairLimit = (): RecipientPacer => createRecipientPacer({ everyMs: 0, burst: 1 })

const turns = async (count = 10): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await nextTurn()
}

/** Rows that wait, a provider that answers when told to, and a breaker that is set by hand. */
function surroundings() {
  const waiting: ClaimedMessage[] = []
  const inFlight = new Map<number, { message: ClaimedMessage; end: (error?: Error) => void }>()
  const sent: number[] = []
  const errors: unknown[] = []
  const claims: number[] = []
  let state: BreakerState = 'closed'
  let gate: Promise<void> = Promise.resolve()

  const pick = (limit: number, busy: ReadonlySet<string>) => {
    const taken = new Set(busy)
    const chosen = waiting.filter((message) => {
      const isFree = !taken.has(recipientOf(message))
      taken.add(recipientOf(message))
      return isFree
    })
    const result = chosen.slice(0, limit)
    for (const message of result) waiting.splice(waiting.indexOf(message), 1)
    return result
  }
  const claim: LaneDeps['claim'] = async (limit, busy) => {
    claims.push(limit)
    const chosen = pick(limit, busy)
    await gate
    return chosen
  }
  const send = (message: ClaimedMessage) =>
    new Promise<void>((resolve, reject) => {
      sent.push(message.id)
      inFlight.set(message.id, {
        message,
        end: (error) => {
          inFlight.delete(message.id)
          if (error) reject(error)
          else resolve()
        },
      })
    })
  const breaker: Breaker = {
    state: () => state,
    allows: () => state !== 'open',
    run: (call) => call(),
    close: () => {},
  }
  return {
    waiting,
    inFlight,
    sent,
    errors,
    claims,
    setBreaker: (next: BreakerState) => {
      state = next
    },
    /** Claims see the rows at once, but answer only after `open` is called. */
    holdClaims: () => {
      let open = () => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return open
    },
    lane: (deps: Partial<LaneDeps> = {}): Lane =>
      createLane({
        concurrency: () => 3,
        breaker,
        pacer: noPace(),
        recipients: noPairLimit(),
        claim,
        giveBack: async (messages) => void waiting.push(...messages),
        send,
        onError: (error) => errors.push(error),
        ...deps,
      }),
  }
}

describe('lane', () => {
  let around: ReturnType<typeof surroundings>

  beforeEach(() => {
    around = surroundings()
  })

  const endAll = async () => {
    for (const { end } of [...around.inFlight.values()]) end()
    await turns()
  }

  it('gives as many slots as it may call at once, each recipient one', () => {
    const lane = around.lane()
    expect(lane.reserve('a')).to.be.an('object')
    expect(lane.reserve('a')).to.equal(undefined)
    expect(lane.reserve('b')).to.be.an('object')
    expect(lane.reserve('c')).to.be.an('object')
    expect(lane.reserve('d')).to.equal(undefined)
    expect(lane.inFlight()).to.equal(3)
  })

  it('sends what was reserved, and gives the slot back when it ends', async () => {
    const lane = around.lane({ concurrency: () => 1 })
    const message = aMessage(1)
    lane.reserve(recipientOf(message))?.start(message)
    expect(around.sent).to.deep.equal([1])
    expect(lane.reserve(phoneOf(2))).to.equal(undefined)
    await endAll()
    expect(lane.inFlight()).to.equal(0)
    expect(lane.reserve(phoneOf(1))).to.be.an('object')
  })

  it('a released slot is free again, and is filled from the rows', async () => {
    const lane = around.lane({ concurrency: () => 1 })
    const reservation = lane.reserve(phoneOf(1))
    around.waiting.push(aMessage(2))
    lane.wake()
    await turns()
    expect(around.sent).to.deep.equal([])
    reservation?.release()
    await turns()
    expect(around.sent).to.deep.equal([2])
  })

  it('fills itself from the rows until nothing waits, never above its bound', async () => {
    const lane = around.lane()
    around.waiting.push(...Array.from({ length: 10 }, (_, index) => aMessage(index + 1)))
    lane.wake()
    for (let round = 0; round < 4; round++) {
      await turns()
      expect(around.inFlight.size).to.be.at.most(3)
      await endAll()
    }
    expect([...around.sent].sort((a, b) => a - b)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(lane.inFlight()).to.equal(0)
  })

  it('keeps at most one message to a recipient in flight', async () => {
    const lane = around.lane()
    around.waiting.push(aMessage(1, 'x'), aMessage(2, 'x'), aMessage(3, 'y'))
    lane.wake()
    await turns()
    expect(around.sent).to.deep.equal([1, 3])
    await endAll()
    expect(around.sent, 'without being woken again').to.deep.equal([1, 3, 2])
  })

  it('looks for more when a slot that was reserved becomes free and the last helping was full', async () => {
    const lane = around.lane({ concurrency: () => 2 })
    lane.reserve(phoneOf(11))?.start(aMessage(11))
    around.waiting.push(aMessage(1), aMessage(2))
    lane.wake()
    await turns()
    expect(around.sent).to.deep.equal([11, 1])
    around.inFlight.get(11)?.end()
    await turns()
    expect(around.sent).to.deep.equal([11, 1, 2])
  })

  it('stays within its bound when slots are reserved while rows are being claimed', async () => {
    const open = around.holdClaims()
    const lane = around.lane()
    around.waiting.push(aMessage(1), aMessage(2), aMessage(3))
    lane.wake()
    for (const id of [11, 12]) lane.reserve(phoneOf(id))?.start(aMessage(id))
    open()
    await turns()
    expect(around.inFlight.size).to.be.at.most(3)
    await endAll()
    await endAll()
    expect([...around.sent].sort((a, b) => a - b)).to.deep.equal([1, 2, 3, 11, 12])
    expect(lane.inFlight()).to.equal(0)
  })

  it('writes to a recipient once at a time also when the slot is reserved while rows are being claimed', async () => {
    const open = around.holdClaims()
    const lane = around.lane()
    around.waiting.push(aMessage(1, 'x'))
    lane.wake()
    lane.reserve(phoneOf('x'))?.start(aMessage(2, 'x'))
    open()
    await turns()
    expect(around.sent).to.deep.equal([2])
    await endAll()
    expect(around.sent).to.deep.equal([2, 1])
  })

  it('pauses while the breaker is open, and goes on when it is woken after that', async () => {
    const lane = around.lane()
    around.setBreaker('open')
    around.waiting.push(aMessage(1), aMessage(2))
    lane.wake()
    await turns()
    expect(around.claims).to.deep.equal([])
    expect(lane.reserve(phoneOf(3))).to.equal(undefined)
    around.setBreaker('closed')
    lane.wake()
    await turns()
    expect(around.sent).to.deep.equal([1, 2])
  })

  it('lets one message try while the breaker is half open', async () => {
    const lane = around.lane()
    around.setBreaker('half_open')
    around.waiting.push(aMessage(1), aMessage(2))
    lane.wake()
    await turns()
    expect(around.sent).to.deep.equal([1])
    expect(lane.reserve(phoneOf(3))).to.equal(undefined)
    around.setBreaker('closed')
    await endAll()
    expect(around.sent).to.deep.equal([1, 2])
  })

  it('goes on by itself when the provider has recovered: one message tries, the others follow', async () => {
    let isBroken = true
    const order: string[] = []
    const breaker = createBreaker({
      onChange: (state) => {
        order.push(state)
        if (state !== 'open') lane.wake()
      },
      openMs: 30,
    })
    const send = async () => {
      const failure = { code: 'connection_unreachable' } as const
      const answer: SendOutcome = isBroken
        ? { outcome: 'refused', failure }
        : { outcome: 'accepted', messageId: 'wamid.1' }
      await breaker.run(async () => answer)
      order.push('sent')
    }
    const lane = around.lane({ concurrency: () => 1, breaker, send })
    around.waiting.push(...Array.from({ length: 15 }, (_, index) => aMessage(index + 1)))
    lane.wake()
    while (!order.includes('open')) await nextTurn()
    isBroken = false
    while (around.waiting.length > 0) await nextTurn()
    await turns()
    breaker.close()
    expect(order.filter((entry) => entry !== 'sent')).to.deep.equal(['open', 'half_open', 'closed'])
    expect(order.filter((entry) => entry === 'sent')).to.have.length(15)
  })

  it('survives a claim and a send that fail', async () => {
    let isBroken = true
    const lane = around.lane({
      claim: async () => {
        if (isBroken) throw new Error('database away')
        return around.waiting.splice(0)
      },
    })
    around.waiting.push(aMessage(1))
    lane.wake()
    await turns()
    isBroken = false
    lane.wake()
    await turns()
    around.inFlight.get(1)?.end(new Error('unexpected'))
    await turns()
    expect(around.errors.map(String)).to.deep.equal(['Error: database away', 'Error: unexpected'])
    expect(lane.inFlight()).to.equal(0)
  })

  it('looks up how many it may send at once each time', async () => {
    let concurrency = 1
    const lane = around.lane({ concurrency: () => concurrency })
    around.waiting.push(...Array.from({ length: 9 }, (_, index) => aMessage(index + 1)))
    lane.wake()
    await turns()
    expect(around.inFlight.size).to.equal(1)
    concurrency = 4
    lane.wake()
    await turns()
    expect(around.inFlight.size).to.equal(4)
  })

  describe('while paused', () => {
    it('takes nothing and gives no slot; then goes on by itself', async () => {
      const lane = around.lane()
      around.waiting.push(aMessage(1))
      lane.setPaused(true)
      lane.wake()
      await turns()
      expect(around.claims).to.deep.equal([])
      expect(lane.reserve(phoneOf(2))).to.equal(undefined)
      lane.setPaused(false)
      await turns()
      expect(around.sent).to.deep.equal([1])
    })

    it('what was in flight ends, and nothing follows it', async () => {
      const lane = around.lane({ concurrency: () => 1 })
      around.waiting.push(aMessage(1), aMessage(2))
      lane.wake()
      await turns()
      lane.setPaused(true)
      await endAll()
      expect(around.sent).to.deep.equal([1])
      expect(lane.inFlight()).to.equal(0)
    })
  })

  describe('what was claimed and not called yet', () => {
    /** Claims three at a time, of which the pace lets one begin. */
    const aCrowdedLane = (deps: Partial<LaneDeps> = {}) => {
      const pacer = { ...noPace(), begin: () => around.sent.length < 1, beginsAtMs: (nowMs: number) => nowMs + 60_000 }
      return around.lane({ pacer, ...deps })
    }
    const waitingIds = () => around.waiting.map(({ id }) => id).sort()

    it('goes back to the rows when the lane is paused, and leaves once it is not', async () => {
      let begins = 1
      const pacer = { ...noPace(), begin: () => begins-- > 0, beginsAtMs: (nowMs: number) => nowMs + 60_000 }
      const lane = around.lane({ pacer })
      around.waiting.push(aMessage(1), aMessage(2), aMessage(3))
      lane.wake()
      await turns()
      expect(around.sent).to.deep.equal([1])
      expect(lane.inFlight()).to.equal(3)
      lane.setPaused(true)
      await turns()
      expect(waitingIds()).to.deep.equal([2, 3])
      expect(lane.inFlight()).to.equal(1)
      await endAll()
      begins = 2
      lane.setPaused(false)
      await turns()
      expect(around.sent).to.deep.equal([1, 2, 3])
    })

    it('goes back when the claim ends in a paused lane', async () => {
      const open = around.holdClaims()
      const lane = around.lane()
      around.waiting.push(aMessage(1))
      lane.wake()
      lane.setPaused(true)
      open()
      await turns()
      expect(around.sent).to.deep.equal([])
      expect(waitingIds()).to.deep.equal([1])
    })

    it('goes back when its row is committed in a lane that was paused or whose breaker opened meanwhile', async () => {
      const lane = around.lane()
      const [first, second] = [lane.reserve(phoneOf(1)), lane.reserve(phoneOf(2))]
      around.setBreaker('open')
      first?.start(aMessage(1))
      around.setBreaker('closed')
      lane.setPaused(true)
      second?.start(aMessage(2))
      await turns()
      expect(around.sent).to.deep.equal([])
      expect(waitingIds()).to.deep.equal([1, 2])
      expect(lane.inFlight()).to.equal(0)
    })

    it('goes back when the provider asks for silence', async () => {
      const pacer = noPace()
      const lane = around.lane({ pacer })
      const reservation = lane.reserve(phoneOf(1))
      pacer.slowDown(performance.now(), 60_000)
      reservation?.start(aMessage(1))
      await turns()
      expect(around.sent).to.deep.equal([])
      expect(waitingIds()).to.deep.equal([1])
    })

    it('is waited for by a drain until it is back', async () => {
      let isBack = () => {}
      const giveBack = () =>
        new Promise<void>((resolve) => {
          isBack = resolve
        })
      const lane = aCrowdedLane({ giveBack })
      around.waiting.push(aMessage(1), aMessage(2))
      lane.wake()
      await turns()
      lane.clear()
      await endAll()
      let isDrained = false
      void lane.drain().then(() => {
        isDrained = true
      })
      await turns()
      expect(isDrained).to.equal(false)
      isBack()
      await turns()
      expect(isDrained).to.equal(true)
    })
  })

  it('lets no fresh message overtake one to the same recipient that was refused a slot and is being claimed', async () => {
    const lane = around.lane({ concurrency: () => 2 })
    lane.reserve(phoneOf(1))?.start(aMessage(1))
    lane.reserve(phoneOf(2))?.start(aMessage(2))
    expect(lane.reserve(phoneOf(3))).to.equal(undefined)
    around.waiting.push(aMessage(3))
    const open = around.holdClaims()
    around.inFlight.get(1)?.end()
    lane.wake()
    await turns()
    expect(lane.reserve(phoneOf(3)), 'while it is being claimed').to.equal(undefined)
    open()
    await turns()
    expect(around.sent).to.deep.equal([1, 2, 3])
  })

  for (const { label, stop, goOn } of [
    { label: 'was paused', stop: (lane: Lane) => lane.setPaused(true), goOn: (lane: Lane) => lane.setPaused(false) },
    { label: 'was cut off', stop: () => {}, goOn: (lane: Lane) => lane.resume() },
  ])
    it(`lets nothing fresh pass before all is claimed that gathered while it ${label}`, async () => {
      const lane = around.lane({ concurrency: () => 2 })
      stop(lane)
      around.waiting.push(aMessage(1), aMessage(2), aMessage(3))
      const open = around.holdClaims()
      goOn(lane)
      await turns()
      expect(lane.reserve(phoneOf(9)), 'while the first are being claimed').to.equal(undefined)
      open()
      await turns()
      expect(around.sent).to.deep.equal([1, 2])
      await endAll()
      await endAll()
      expect(around.sent).to.deep.equal([1, 2, 3])
      expect(lane.reserve(phoneOf(8)), 'when nothing is left').to.be.an('object')
    })

  it('gives no slot to a fresh message whose recipient is waited for in the rows', () => {
    let nowMs = 0
    const lane = around.lane({ pacer: createPacer(() => 1_000_000, -1_000), nowMs: () => nowMs })
    lane.holdBack(phoneOf(1), 30_000)
    expect(lane.reserve(phoneOf(1))).to.equal(undefined)
    expect(lane.reserve(phoneOf(2))).to.be.an('object')
    nowMs = 30_000
    expect(lane.reserve(phoneOf(1)), 'until it was claimed').to.equal(undefined)
    nowMs = 36_000
    expect(lane.reserve(phoneOf(1))).to.be.an('object')
  })

  describe('pace', () => {
    /** A clock that is moved by hand; the lane's own timers still run on the real one. */
    const aSlowLane = (perSecond: number, deps: Partial<LaneDeps> = {}) => {
      let nowMs = 0
      const lane = around.lane({ pacer: createPacer(() => perSecond, 0), nowMs: () => nowMs, ...deps })
      return {
        lane,
        advance: async (ms: number) => {
          nowMs += ms
          lane.wake()
          await turns()
        },
      }
    }

    it('lets no more leave than there are tokens, from the rows', async () => {
      const { lane, advance } = aSlowLane(10)
      around.waiting.push(...Array.from({ length: 9 }, (_, index) => aMessage(index + 1)))
      lane.wake()
      await turns()
      expect(around.sent).to.deep.equal([1])
      await endAll()
      expect(around.sent).to.deep.equal([1])
      await advance(99)
      expect(around.sent).to.deep.equal([1])
      await advance(1)
      expect(around.sent).to.deep.equal([1, 2])
    })

    it('gives no slot to a fresh message without a token, or before those that wait for one', async () => {
      const { lane, advance } = aSlowLane(10)
      expect(lane.reserve(phoneOf(1))).to.be.an('object')
      expect(lane.reserve(phoneOf(2))).to.equal(undefined)
      around.waiting.push(aMessage(2), aMessage(3))
      await advance(50)
      expect(around.sent).to.deep.equal([])
      expect(lane.reserve(phoneOf(4))).to.equal(undefined)
      await advance(50)
      expect(around.sent).to.deep.equal([2])
    })

    it('goes on by itself when there is a token again', async () => {
      const lane = around.lane({ pacer: createPacer(() => 20, performance.now()) })
      around.waiting.push(aMessage(1), aMessage(2), aMessage(3))
      lane.wake()
      while (around.sent.length < 3) await endAll()
      expect(around.sent).to.deep.equal([1, 2, 3])
    })

    it('a look that finds nothing costs nothing', async () => {
      const { lane, advance } = aSlowLane(10)
      for (let look = 0; look < 5; look++) await advance(0)
      expect(lane.reserve(phoneOf(1))).to.be.an('object')
    })

    it('a slot that was not to be had for its recipient costs nothing', () => {
      const recipients = createRecipientPacer({ everyMs: 6_000, burst: 1 })
      recipients.take(phoneOf(1), 0)
      const { lane } = aSlowLane(10, { recipients })
      expect(lane.reserve(phoneOf(1))).to.equal(undefined)
      expect(lane.reserve(phoneOf(2))).to.be.an('object')
    })

    it('keeps the limit of a recipient also for what waits in the rows', async () => {
      const recipients = createRecipientPacer({ everyMs: 6_000, burst: 2 })
      const { lane, advance } = aSlowLane(1_000, { recipients })
      around.waiting.push(...Array.from({ length: 20 }, (_, index) => aMessage(index + 1, 'x')))
      lane.wake()
      const sentAfter = async (ms: number) => {
        await advance(ms)
        for (let round = 0; round < 5; round++) {
          await endAll()
          await advance(1)
        }
        return around.sent.length
      }
      expect(await sentAfter(0)).to.equal(2)
      expect(await sentAfter(5_000)).to.equal(2)
      expect(await sentAfter(1_000)).to.equal(3)
      expect(await sentAfter(3_000)).to.equal(3)
      expect(await sentAfter(3_000)).to.equal(4)
    })

    it('a recipient who must wait holds up nobody else', async () => {
      const recipients = createRecipientPacer({ everyMs: 6_000, burst: 1 })
      const { lane, advance } = aSlowLane(1_000, { recipients })
      around.waiting.push(aMessage(1, 'x'), aMessage(2, 'x'), aMessage(3, 'x'), aMessage(4, 'y'))
      lane.wake()
      await turns()
      await endAll()
      await advance(10)
      expect(around.sent).to.deep.equal([1, 4])
      expect(lane.reserve(phoneOf('x'))).to.equal(undefined)
    })

    it('looks again by itself when a recipient need not wait any more', async () => {
      const recipients = createRecipientPacer({ everyMs: 40, burst: 1 })
      const lane = around.lane({ recipients })
      around.waiting.push(aMessage(1, 'x'), aMessage(2, 'x'), aMessage(3, 'x'))
      lane.wake()
      while (around.sent.length < 3) await endAll()
      expect(around.sent).to.deep.equal([1, 2, 3])
    })
  })

  describe('drain', () => {
    const isSettled = async (promise: Promise<void>) => {
      let settled = false
      void promise.then(() => {
        settled = true
      })
      await turns()
      return settled
    }

    it('ends at once when nothing is in flight, and takes nothing afterwards', async () => {
      const lane = around.lane()
      await lane.drain()
      around.waiting.push(aMessage(1))
      lane.wake()
      await turns()
      expect(around.claims).to.deep.equal([])
      expect(lane.reserve(phoneOf(2))).to.equal(undefined)
    })

    it('waits for what is in flight and begins nothing new', async () => {
      const lane = around.lane({ concurrency: () => 1 })
      around.waiting.push(aMessage(1), aMessage(2))
      lane.wake()
      await turns()
      const drained = lane.drain()
      expect(await isSettled(drained)).to.equal(false)
      await endAll()
      await drained
      expect(around.sent).to.deep.equal([1])
    })

    it('gives back what is being claimed: it is marked as sent by us, and nobody would call it', async () => {
      const open = around.holdClaims()
      const lane = around.lane()
      around.waiting.push(aMessage(1))
      lane.wake()
      const drained = lane.drain()
      expect(await isSettled(drained)).to.equal(false)
      open()
      await drained
      expect(around.sent).to.deep.equal([])
      expect(around.waiting.map(({ id }) => id)).to.deep.equal([1])
    })

    it('gives back what was claimed and has not begun', async () => {
      const pacer = { ...noPace(), begin: () => around.sent.length < 1, beginsAtMs: (nowMs: number) => nowMs + 60_000 }
      const lane = around.lane({ pacer })
      around.waiting.push(aMessage(1), aMessage(2))
      lane.wake()
      await turns()
      const drained = lane.drain()
      await endAll()
      await drained
      expect(around.sent).to.deep.equal([1])
      expect(around.waiting.map(({ id }) => id)).to.deep.equal([2])
    })

    it('ends when a claim that was under way finds nothing', async () => {
      const open = around.holdClaims()
      const lane = around.lane()
      lane.wake()
      const drained = lane.drain()
      open()
      await drained
    })
  })

  it('keeps its promises in any order of events', async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('wait' as const), recipient: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ type: fc.constant('fresh' as const), recipient: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ type: fc.constantFrom('end' as const, 'turn' as const, 'gate' as const, 'open' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, concurrency) => {
          around = surroundings()
          const lane = around.lane({ concurrency: () => concurrency })
          let open = () => {}
          let nextId = 1
          const ids: number[] = []
          const check = () => {
            const recipients = [...around.inFlight.values()].map(({ message }) => recipientOf(message))
            expect(recipients.length).to.be.at.most(concurrency)
            expect(new Set(recipients).size).to.equal(recipients.length)
          }
          for (const entry of steps) {
            if (entry.type === 'wait') {
              ids.push(nextId)
              around.waiting.push(aMessage(nextId++, entry.recipient))
              lane.wake()
            } else if (entry.type === 'fresh') {
              const reservation = lane.reserve(phoneOf(entry.recipient))
              if (reservation) ids.push(nextId)
              reservation?.start(aMessage(nextId++, entry.recipient))
            } else if (entry.type === 'gate') {
              open()
              open = around.holdClaims()
            } else if (entry.type === 'open') open()
            else if (entry.type === 'end') [...around.inFlight.values()][0]?.end()
            else await turns(3)
            check()
          }
          open()
          for (let round = 0; round < 60; round++) {
            await turns(3)
            check()
            for (const { end } of [...around.inFlight.values()]) end()
            lane.wake()
          }
          expect([...around.sent].sort((a, b) => a - b)).to.deep.equal(ids)
          await lane.drain()
          expect(lane.inFlight()).to.equal(0)
        },
      ),
      { numRuns: 80 },
    )
  })
})
