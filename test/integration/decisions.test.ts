import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { ClaimedNdr, NdrDraft, NdrOutcome } from '../../src/core/conversations/ndr-store.ts'
import { createSimulator, type Simulator } from '../../src/providers/simulator/simulator.ts'
import { answer, type ScriptedServer, startScriptedServer } from '../contract/scripted-server.ts'
import { aDecision, type DecisionStage, prepareDecisions } from '../support/decisions.ts'
import { scaled } from '../support/scale.ts'
import { storages } from '../support/stories.ts'
import { until } from '../support/world.ts'

const start = new Date('2026-11-20T06:30:00Z')
const later = (seconds: number) => new Date(start.getTime() + seconds * 1_000)

const ended = ({ token, attempt }: ClaimedNdr, changes: Partial<NdrOutcome> = {}): NdrOutcome => ({
  token,
  state: 'taken',
  attempts: attempt,
  dueAt: null,
  isHandedOver: true,
  responseStatus: 200,
  response: 'ok',
  ...changes,
})

/** A clock on which everything happens so many times faster. */
const fastClock = (factor: number) => {
  const beganAtMs = performance.now()
  return () => new Date(start.getTime() + (performance.now() - beganAtMs) * factor)
}

/** Values that share a key, two by two, in their order. */
function pairsOf(entries: readonly (readonly [key: unknown, value: unknown])[]): [unknown, unknown][] {
  const firsts = new Map<unknown, unknown>()
  return entries.flatMap(([key, value]): [unknown, unknown][] => {
    const first = firsts.get(key)
    firsts.set(key, value)
    return first === undefined ? [] : [[first, value]]
  })
}

for (const kind of storages) {
  describe(`decisions on ${kind}`, () => {
    let stage: DecisionStage
    let courier: ScriptedServer

    before(async () => {
      stage = await prepareDecisions(kind)
      courier = await startScriptedServer()
    })
    beforeEach(() => stage.clear())
    after(async () => {
      await courier.close()
      await stage.close()
    })

    const claim = (limit = 10, now = start) => stage.store.claim(limit, now)
    const record = (...outcomes: NdrOutcome[]) =>
      stage.database.transaction((tx) => stage.store.record(tx, outcomes, start))
    const replace = (draft: NdrDraft, action: 'cancel' | 'reattempt' = 'cancel') =>
      stage.database.transaction((tx) =>
        stage.store.replacePending(tx, { ...draft, request: { ...draft.request, action } }, start),
      )
    const shipmentsOf = (claimed: readonly ClaimedNdr[]) => claimed.map(({ request }) => request.shipmentId)
    const statesOf = async () => (await stage.rows()).map(({ state }) => state)

    it('are claimed oldest first, each by one of those who ask at once', async () => {
      const drafts = Array.from({ length: 40 }, () => aDecision())
      await stage.decide(drafts, start)
      const first = await claim(4)
      expect(shipmentsOf(first)).to.deep.equal(drafts.slice(0, 4).map(({ request }) => request.shipmentId))
      const claims = await Promise.all(Array.from({ length: 6 }, () => claim(4)))
      const all = claims.flat().map(({ id }) => id)
      expect(new Set(all).size).to.equal(all.length)
      expect(all.length).to.be.greaterThanOrEqual(4)
    })

    it('about one shipment wait for each other, whatever the first one waits for', async () => {
      const [one, two, three] = [aDecision({ shipmentId: 1 }), aDecision({ shipmentId: 1 }), aDecision()]
      await stage.decide([one, two, three], start)
      const [first, other, ...none] = await claim()
      expect([first, other].map((claimed) => claimed?.request.idempotencyKey)).to.deep.equal([
        one.request.idempotencyKey,
        three.request.idempotencyKey,
      ])
      expect(none).to.be.empty
      if (!first) throw new Error('nothing was claimed')
      expect(await claim(), 'while it is pushed').to.be.empty
      await record(ended(first, { state: 'pending', dueAt: later(600) }))
      expect(await claim(), 'while it waits for its next try').to.be.empty
      const [again] = await claim(10, later(601))
      expect(again?.id).to.equal(first.id)
      if (again) await record(ended(again, { state: 'refused' }))
      expect(shipmentsOf(await claim())).to.deep.equal([1])
    })

    it('about shipments of different accounts do not wait, whatever their ids', async () => {
      await stage.decide([aDecision({ shipmentId: 1 }), aDecision({ shipmentId: 1, accountId: 380 })], start)
      expect(await claim()).to.have.length(2)
    })

    it('of a lost process are claimed again when its lease is over', async () => {
      await stage.decide([aDecision()], start)
      await claim()
      expect(await stage.store.releaseLost(later(59))).to.equal(0)
      expect(await claim(10, later(59))).to.be.empty
      expect(await stage.store.releaseLost(later(60))).to.equal(1)
      const [again] = await claim(10, later(60))
      expect(again).to.include({ attempt: 2, wasHandedOver: true })
    })

    it('a process that wakes up after its lease writes over no newer outcome', async () => {
      await stage.decide([aDecision()], start)
      const [frozen] = await claim()
      await stage.store.releaseLost(later(60))
      const [newer] = await claim(10, later(60))
      if (!frozen || !newer) throw new Error('nothing was claimed')
      await record(ended(frozen, { state: 'refused' }))
      expect(await statesOf()).to.deep.equal(['pushing'])
      await record(ended(newer))
      await record(ended(frozen, { state: 'pending', dueAt: start }))
      expect(await stage.rows()).to.have.nested.property('0.state', 'taken')
      expect(await stage.rows()).to.have.nested.property('0.attempts', 2)
    })

    it('can be replaced while the courier side cannot know them', async () => {
      const draft = aDecision()
      await stage.decide([draft], start)
      expect(await replace(draft)).to.equal(true)
      const [pushed] = await claim()
      expect(pushed?.request).to.deep.equal({ ...draft.request, action: 'cancel' })
      if (!pushed) throw new Error('nothing was claimed')
      expect(await replace(draft, 'reattempt'), 'while it is pushed').to.equal(false)
      await record(ended(pushed, { state: 'pending', dueAt: later(5), isHandedOver: false }))
      expect(await replace(draft, 'reattempt'), 'after a push that did not arrive').to.equal(true)
      const [again] = await claim()
      expect(again?.request.action).to.equal('reattempt')
      if (again) await record(ended(again, { state: 'pending', dueAt: later(5) }))
      expect(await replace(draft), 'after a push that may have arrived').to.equal(false)
      const [last] = await claim(10, later(6))
      if (last) await record(ended(last))
      expect(await replace(draft), 'when it is taken').to.equal(false)
      expect(JSON.parse((await stage.rows())[0]?.request ?? '')).to.have.property('action', 'reattempt')
    })

    it('that failed are due at once when the courier side answers again; others keep their time', async () => {
      const later5 = { ...aDecision(), dueAt: later(5) }
      await stage.decide([aDecision(), later5], start)
      const [failed] = await claim()
      if (failed) await record(ended(failed, { state: 'pending', dueAt: later(600) }))
      expect(await claim()).to.be.empty
      await stage.store.releaseWaiting(start)
      expect((await claim()).map(({ id }) => id)).to.deep.equal([failed?.id])
      expect(shipmentsOf(await claim(10, later(5)))).to.deep.equal([later5.request.shipmentId])
    })

    it('are pushed as they were replaced, or not replaced, when both happen at once', async () => {
      const drafts = Array.from({ length: 30 }, () => aDecision())
      await stage.decide(drafts, start)
      const claims: Promise<ClaimedNdr[]>[] = []
      const replaced = await Promise.all(
        drafts.map((draft, index) => {
          if (index % 3 === 0) claims.push(claim(3))
          return replace(draft)
        }),
      )
      const pushed = (await Promise.all(claims)).flat().concat(await claim(30))
      expect(pushed).to.have.length(30)
      const actionOf = new Map(pushed.map(({ request }) => [request.idempotencyKey, request.action]))
      expect(drafts.map(({ request }) => actionOf.get(request.idempotencyKey) === 'cancel')).to.deep.equal(replaced)
    })

    it('refused by the courier side are kept, shown as a failure once, and not repeated', async () => {
      courier.play(answer(422, 'shipment is already delivered'))
      await stage.decide([aDecision()], start)
      const pushing = stage.startPusher({ baseUrl: courier.url, now: () => start })
      await until('it is refused', async () => (await statesOf())[0] === 'refused')
      await sleep(30)
      await pushing.stop()
      expect(courier.seen).to.have.length(1)
      const events = await stage.database.select<{ payload: string }>('SELECT payload FROM activity_events')
      expect(events).to.have.length(1)
      const event = JSON.parse(events[0]?.payload ?? '')
      expect(event).to.include({ eventSubType: 'failed', actor: 'Asha Nair' })
      expect(event.response_data).to.include({
        action_taken: 'Reattempt',
        failureReason: 'The courier side refused the decision: HTTP 422 shipment is already delivered',
      })
      expect(event.response_data, 'no failure of a first message').to.not.have.property('isRootMessage')
    })

    it('refused to a process that has lost them meanwhile are no failure yet', async () => {
      await stage.decide([aDecision()], start)
      courier.play(async (response) => {
        await stage.store.releaseLost(later(60))
        await claim(1, later(60))
        response.writeHead(422).end('too late')
      })
      const pusher = stage.pusher({ baseUrl: courier.url, now: () => start })
      await pusher.pushDue()
      await pusher.drain()
      expect(await statesOf()).to.deep.equal(['pushing'])
      expect(await stage.database.select('SELECT id FROM activity_events')).to.be.empty
    })

    it('leave a busy courier side alone for as long as it asks', async () => {
      courier.play(answer(429, 'busy', { 'retry-after': '1' }))
      await stage.decide(
        Array.from({ length: 5 }, () => aDecision()),
        start,
      )
      const pushing = stage.startPusher({ baseUrl: courier.url, now: () => start })
      await until('it was called', () => courier.seen.length > 0)
      await sleep(100)
      courier.play(answer(200, 'ok'))
      await stage.decide([aDecision()], start)
      await sleep(500)
      expect(courier.seen, 'during the pause').to.be.empty
      await until('the pause is over', async () => (await statesOf()).includes('taken'))
      await pushing.stop()
      expect(await statesOf()).to.deep.equal([...Array(5).fill('pending'), 'taken'])
    })

    it('are not called by a process that stood still since it claimed them', async () => {
      await stage.decide([aDecision()], start)
      courier.play(answer(200, 'ok'))
      let standstillMs = 0
      const claimAndFreeze = async (limit: number, now: Date) => {
        const claimed = await stage.store.claim(limit, now)
        standstillMs = 25_000
        return claimed
      }
      const pusher = stage.pusher({
        baseUrl: courier.url,
        now: () => start,
        store: { ...stage.store, claim: claimAndFreeze },
        nowMs: () => performance.now() + standstillMs,
      })
      expect(await pusher.pushDue()).to.equal(1)
      await pusher.drain()
      expect(courier.seen).to.be.empty
      expect((await stage.rows())[0]).to.include({ state: 'pending', attempts: 0, handed_over: 0 })
    })
  })
}

describe('decisions while the courier side is away', function () {
  this.timeout(scaled(120_000, 300_000))
  let stage: DecisionStage
  let courier: Simulator

  before(async () => {
    stage = await prepareDecisions('mysql')
    courier = await createSimulator().start()
  })
  beforeEach(async () => {
    await stage.clear()
    courier.reset()
  })
  after(async () => {
    await courier.close()
    await stage.close()
  })

  /**
   * Ten minutes in three seconds; where calls hang, in twelve: a deadline must stay far above what a busy machine may
   * let any call wait, else calls that would be answered are given up as well.
   */
  const factors = { down: 200, hang: 50, lost: 200 } as const

  for (const mode of ['down', 'hang', 'lost'] as const) {
    const factor = factors[mode]
    const outageMs = 600_000 / factor
    it(`for ten minutes (${mode}): none is lost, each is taken once afterwards, and meanwhile it is only probed`, async () => {
      const count = scaled(200, 2_000)
      const now = fastClock(factor)
      const circuit = { openMs: 15_000 / factor, windowMs: 30_000 / factor }
      const options = {
        baseUrl: courier.url,
        now,
        circuit,
        everyMs: 1_000 / factor,
        ...(mode === 'hang' ? { totalMs: 30_000 / factor } : {}),
      }
      const pushers = [stage.startPusher(options), stage.startPusher(options)]
      courier.scriptNdr({ mode })
      const drafts = Array.from({ length: count }, (_, n) => aDecision({ shipmentId: 1_000 + (n % (count / 2)) }))
      const tenths = Array.from({ length: 10 }, (_, n) => drafts.slice((n * count) / 10, ((n + 1) * count) / 10))
      for (const tenth of tenths) {
        await stage.decide(tenth, now())
        await sleep(outageMs / 10)
      }
      const callsMeanwhile = courier.ndrCalls().length
      courier.scriptNdr({ mode: 'ok' })
      const backAtMs = performance.now()
      await until(
        'all are taken',
        async () => {
          await stage.store.releaseLost(now())
          return (await stage.rows()).every(({ state }) => state === 'taken')
        },
        scaled(90_000, 240_000),
      )
      const seconds = (performance.now() - backAtMs) / 1_000
      await Promise.all(pushers.map((pushing) => pushing.stop()))

      const taken = courier.ndr()
      const keys = drafts.map(({ request }) => request.idempotencyKey)
      expect(taken.map(({ idempotencyKey }) => idempotencyKey)).to.have.members(keys)
      // What it took without an answer in time is told again under its key.
      if (mode === 'down') expect(taken.filter(({ calls }) => calls !== 1)).to.be.empty
      for (const [one, other] of pairsOf(taken.map(({ body }) => [body.shipmentId, body.idempotencyKey]))) {
        expect(keys.indexOf(String(one)), 'in order per shipment').to.be.lessThan(keys.indexOf(String(other)))
      }
      expect(callsMeanwhile, 'two processes: a burst each, then one probe in 15 s each').to.be.within(10, 150)
      console.log(
        `      ${count} decisions, ${callsMeanwhile} calls meanwhile, all taken ${seconds.toFixed(1)} s after (not compressed)`,
      )
    })
  }
})
