import { expect } from 'chai'
import fc from 'fast-check'
import type { HttpResult } from '../../src/core/contract/provider.ts'
import type { ClaimedNdr, NdrOutcome, NdrRequest } from '../../src/core/conversations/ndr-store.ts'
import { isNdrTrouble, notCalled, outcomeOf, pauseMs } from '../../src/core/conversations/push-outcome.ts'

const now = new Date('2026-11-20T06:30:00Z')
const second = 1_000
const hour = 3_600 * second

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
const claimed = (attempt = 1, wasHandedOver = false): ClaimedNdr => ({
  id: 1,
  rootId: 2,
  token: 'token',
  attempt,
  wasHandedOver,
  actionTaken: 'Select new delivery date',
  replyMessageId: 'wamid.reply',
  request,
})
const answer = (status: number, retryAfter?: string): HttpResult => ({
  kind: 'answer',
  status,
  headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  body: 'ok',
})
const unsent: HttpResult = { kind: 'unsent', reason: 'ECONNREFUSED' }
const lost: HttpResult = { kind: 'lost', reason: 'no complete answer within 30000 ms' }
const waitOf = ({ dueAt }: NdrOutcome) => ((dueAt?.getTime() ?? 0) - now.getTime()) / second

interface Case {
  readonly result: HttpResult
  readonly state: NdrOutcome['state']
  /** Does it count against the courier side? */
  readonly isTrouble: boolean
}

const cases: Case[] = [
  ...[200, 202, 299].map((status): Case => ({ result: answer(status), state: 'taken', isTrouble: false })),
  ...[400, 401, 404, 409, 422, 499].map(
    (status): Case => ({ result: answer(status), state: 'refused', isTrouble: false }),
  ),
  ...[425, 429].map((status): Case => ({ result: answer(status), state: 'pending', isTrouble: false })),
  ...[199, 301, 408, 500, 503].map((status): Case => ({ result: answer(status), state: 'pending', isTrouble: true })),
  ...[unsent, lost].map((result): Case => ({ result, state: 'pending', isTrouble: true })),
]

describe('outcome of a push', () => {
  for (const { result, state, isTrouble } of cases) {
    const shown = result.kind === 'answer' ? String(result.status) : result.reason
    it(`${shown}: ${state}${isTrouble ? ', counts against the courier side' : ''}`, () => {
      const outcome = outcomeOf(claimed(3), result, now, 0.5)
      expect(outcome).to.include({ token: 'token', state, attempts: 3 })
      expect(outcome.dueAt === null).to.equal(state !== 'pending')
      expect(outcome.responseStatus).to.equal(result.kind === 'answer' ? result.status : null)
      expect(outcome.response).to.equal(result.kind === 'answer' ? 'ok' : result.reason)
      expect(isNdrTrouble(result)).to.equal(isTrouble)
    })
  }

  it('waits 5, 10, 20, ... seconds, ten minutes at most, a fifth more or less', () => {
    const wait = (attempt: number, chance: number) => waitOf(outcomeOf(claimed(attempt), answer(500), now, chance))
    expect([1, 2, 3, 4, 7, 8, 51, 5_001].map((attempt) => wait(attempt, 0.5))).to.deep.equal([
      5, 10, 20, 40, 320, 600, 600, 600,
    ])
    expect([wait(1, 0), wait(8, 0)]).to.deep.equal([4, 480])
    expect(wait(1, 0.999_999)).to.be.closeTo(6, 0.001)
  })

  it('waits as long as a busy courier side asks, an hour at most, and never less than planned', () => {
    const wait = (result: HttpResult) => waitOf(outcomeOf(claimed(1), result, now, 0.5))
    expect(wait(answer(429, '90'))).to.equal(90)
    expect(wait(answer(503, 'Fri, 20 Nov 2026 06:32:00 GMT'))).to.equal(120)
    expect(wait(answer(429, '1'))).to.equal(5)
    expect(wait(answer(429, '86400'))).to.equal(3_600)
    expect(wait(answer(429, 'soon'))).to.equal(5)
    expect(wait(answer(500, '90')), 'only where the header means this').to.equal(5)
  })

  it('all pushes pause only where the courier side asks for it', () => {
    expect(pauseMs(answer(429, '7'), now)).to.equal(7 * second)
    expect(pauseMs(answer(503, '7'), now)).to.equal(7 * second)
    expect(pauseMs(answer(429, '999999'), now)).to.equal(hour)
    for (const result of [answer(429), answer(500, '7'), answer(200, '7'), unsent, lost]) {
      expect(pauseMs(result, now)).to.equal(undefined)
    }
  })

  it('remembers whether the courier side may know the decision', () => {
    const known = (result: HttpResult, before: boolean) => outcomeOf(claimed(1, before), result, now, 0.5).isHandedOver
    expect([unsent, lost, answer(503), answer(429)].map((result) => known(result, false))).to.deep.equal([
      false,
      true,
      true,
      true,
    ])
    expect([unsent, notCalled].map((result) => known(result, true))).to.deep.equal([true, true])
  })

  it('one that was not called is as if it had not been claimed', () => {
    const outcome = outcomeOf(claimed(4), notCalled, now, 0.5)
    expect(outcome).to.include({ state: 'pending', attempts: 3, isHandedOver: false })
    expect(outcome.dueAt).to.deep.equal(now)
  })

  it('never gives up what the courier side did not answer, and never repeats what it did', () => {
    const results = fc.oneof(
      fc.integer({ min: 100, max: 599 }).map((status) => answer(status)),
      fc.constantFrom(unsent, lost),
    )
    const chances = fc.double({ min: 0, max: 0.999, noNaN: true })
    fc.assert(
      fc.property(results, fc.integer({ min: 1, max: 100_000 }), chances, (result, attempt, chance) => {
        const outcome = outcomeOf(claimed(attempt), result, now, chance)
        expect(outcome.dueAt === null).to.equal(outcome.state !== 'pending')
        if (outcome.dueAt) expect(waitOf(outcome)).to.be.within(4, 720)
      }),
    )
  })
})
