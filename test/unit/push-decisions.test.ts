import { expect } from 'chai'
import fc from 'fast-check'
import type { HttpRequest, HttpResult } from '../../src/core/contract/provider.ts'
import type { NdrOutcome, NdrRequest, PendingNdr } from '../../src/core/conversations/ndr-store.ts'
import { outcomeOf, pushDecisions } from '../../src/core/conversations/push-decisions.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createMetrics } from '../../src/core/observe/metrics.ts'

const now = new Date('2026-11-20T06:30:00Z')
const second = 1_000

const request: NdrRequest = {
  idempotencyKey: 'ndr:AbCdEfGhIjKlMnOpQrSt_-',
  source: 'whatsapp',
  accountSlug: 'acme-store',
  shipmentId: 17_148_471,
  trackingID: '1704612602165',
  externalShipmentID: '4980116095129-90758',
  action: 'reschedule',
  deferredDate: '24-06-2026',
  customerPhone: '+919810012345',
  remarks: 'Chosen by the customer on WhatsApp',
  decidedAt: '2026-06-22T06:30:00.000Z',
}
const pending = (attempts = 0, id = 1): PendingNdr => ({ id, attempts, request })
const answer = (status: number, body = 'ok'): HttpResult => ({ kind: 'answer', status, headers: {}, body })

describe('push decisions', () => {
  const states: [HttpResult, NdrOutcome['state']][] = [
    [answer(200), 'taken'],
    [answer(202), 'taken'],
    [answer(299), 'taken'],
    [answer(400), 'refused'],
    [answer(404), 'refused'],
    [answer(422), 'refused'],
    [answer(499), 'refused'],
    [answer(199), 'pending'],
    [answer(301), 'pending'],
    [answer(500), 'pending'],
    [answer(503), 'pending'],
    [{ kind: 'unsent', reason: 'ECONNREFUSED' }, 'pending'],
    [{ kind: 'lost', reason: 'no answer within 30000 ms' }, 'pending'],
  ]
  for (const [result, state] of states) {
    const shown = result.kind === 'answer' ? String(result.status) : result.reason
    it(`${shown}: ${state}`, () => {
      const outcome = outcomeOf(pending(2), result, now, 0.5)
      expect(outcome).to.include({ id: 1, state, attempts: 3 })
      expect(outcome.dueAt === null).to.equal(state !== 'pending')
      expect(outcome.responseStatus).to.equal(result.kind === 'answer' ? result.status : null)
      expect(outcome.response).to.equal(result.kind === 'answer' ? 'ok' : result.reason)
    })
  }

  it('waits 5, 10, 20, ... seconds, ten minutes at most, a fifth more or less', () => {
    const wait = (attempts: number, chance: number) =>
      ((outcomeOf(pending(attempts), answer(500), now, chance).dueAt?.getTime() ?? 0) - now.getTime()) / second
    expect([0, 1, 2, 3, 6, 7, 50, 5_000].map((attempts) => wait(attempts, 0.5))).to.deep.equal([
      5, 10, 20, 40, 320, 600, 600, 600,
    ])
    expect([wait(0, 0), wait(7, 0)]).to.deep.equal([4, 480])
    expect(wait(0, 0.999_999)).to.be.closeTo(6, 0.001)
  })

  it('never gives up what the courier side did not answer, and never repeats what it did', () => {
    const results = fc.oneof(
      fc.integer({ min: 100, max: 599 }).map((status) => answer(status)),
      fc.constantFrom<HttpResult>({ kind: 'unsent', reason: 'x' }, { kind: 'lost', reason: 'y' }),
    )
    fc.assert(
      fc.property(
        results,
        fc.nat(100_000),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (result, attempts, chance) => {
          const { state, dueAt } = outcomeOf(pending(attempts), result, now, chance)
          expect(dueAt === null).to.equal(state !== 'pending')
          if (dueAt) expect(dueAt.getTime() - now.getTime()).to.be.within(4 * second, 720 * second)
        },
      ),
    )
  })

  const pushWith = async (actions: PendingNdr[], http: (request: HttpRequest) => HttpResult, baseUrl?: string) => {
    const [calls, recorded]: [HttpRequest[], NdrOutcome[]] = [[], []]
    let takes = 0
    const count = await pushDecisions({
      store: {
        insert: async () => {},
        take: async () => {
          takes++
          return actions
        },
        record: async (outcomes) => void recorded.push(...outcomes),
      },
      http: async (call) => {
        calls.push(call)
        return http(call)
      },
      baseUrl,
      now: () => now,
      random: () => 0.5,
      log: createLogger('silent'),
      metrics: createMetrics(),
    })
    return { calls, recorded, takes, count }
  }

  it('calls the courier side with the decision and its key', async () => {
    const { calls, recorded, count } = await pushWith([pending()], () => answer(200), 'https://ndr.example.com')
    expect(calls).to.have.length(1)
    const [call] = calls
    expect(call).to.include({ method: 'POST', url: 'https://ndr.example.com/_ah/ESB/v1/ndrNotification' })
    expect(call?.headers).to.include({ 'idempotency-key': request.idempotencyKey, 'content-type': 'application/json' })
    expect(JSON.parse(call?.body ?? '')).to.deep.equal(request)
    expect(recorded).to.have.length(1)
    expect(count).to.equal(1)
  })

  it('one that fails does not hold back the others', async () => {
    const { recorded } = await pushWith(
      [pending(0, 1), pending(0, 2), pending(0, 3)],
      (() => {
        const results = [answer(500), answer(200), answer(400)]
        return () => results.shift() ?? answer(200)
      })(),
      'https://ndr.example.com',
    )
    expect(recorded.map(({ id, state }) => `${id} ${state}`)).to.deep.equal(['1 pending', '2 taken', '3 refused'])
  })

  it('without an address nothing is taken: decisions are kept', async () => {
    expect(await pushWith([pending()], () => answer(200))).to.deep.equal({
      calls: [],
      recorded: [],
      takes: 0,
      count: 0,
    })
  })
})
