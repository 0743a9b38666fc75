import { expect } from 'chai'
import fc from 'fast-check'
import {
  attemptReference,
  type MessageState,
  type MessageStatus,
  parseAttemptReference,
  rank,
  statusOf,
} from '../../src/core/sending/outgoing-message.ts'

const reference = 'AbCdEfGhIjKlMnOpQrSt_-'

describe('outgoing message', () => {
  it('ranks evidence: unclear below accepted, failed between sent and delivered', () => {
    const order = ['pending', 'unclear', 'accepted', 'sent', 'failed', 'delivered', 'read'] as const
    expect(order.map((name) => rank[name])).to.deep.equal([1, 2, 3, 4, 5, 6, 7])
    expect(Object.keys(rank)).to.have.members([...order])
  })

  const cases: [state: MessageState, statusRank: number, status: MessageStatus][] = [
    ['queued', rank.pending, 'queued'],
    ['sending', rank.pending, 'queued'],
    ['waiting', rank.pending, 'queued'],
    ['accepted', rank.accepted, 'accepted'],
    ['accepted', rank.sent, 'sent'],
    ['accepted', rank.delivered, 'delivered'],
    ['accepted', rank.read, 'read'],
    ['accepted', rank.failed, 'failed'],
    ['failed', rank.failed, 'failed'],
    ['in_doubt', rank.unclear, 'unknown'],
    ['unknown', rank.unclear, 'unknown'],
    ['in_doubt', rank.delivered, 'delivered'],
    ['expired', rank.unclear, 'expired'],
    ['skipped', rank.pending, 'skipped'],
  ]
  for (const [state, statusRank, status] of cases) {
    it(`${state} with rank ${statusRank} is shown as ${status}`, () => {
      expect(statusOf({ state, statusRank })).to.equal(status)
    })
  }

  it('reads the reference of an attempt as it was written, within 64 characters', () => {
    const random = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((b) => Buffer.from(b).toString('base64url'))
    fc.assert(
      fc.property(random, fc.integer({ min: 1, max: 9_999 }), (made, attempt) => {
        const text = attemptReference(made, attempt)
        expect(parseAttemptReference(text)).to.deep.equal({ reference: made, attempt })
        expect(text.length).to.be.at.most(64)
      }),
    )
  })

  for (const foreign of [
    undefined,
    '',
    reference,
    `${reference}.`,
    `${reference}.x`,
    `${reference}.12345`,
    `${reference}.1.2`,
    `${reference}.-1`,
    `${reference}x.1`,
    ` ${reference}.1`,
    `${reference}.1\n`,
    'ob_01',
  ]) {
    it(`does not take ${JSON.stringify(foreign)} for its own`, () => {
      expect(parseAttemptReference(foreign)).to.equal(undefined)
    })
  }
})
