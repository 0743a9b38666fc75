import { expect } from 'chai'
import fc from 'fast-check'
import type { ReportStatus } from '../../src/core/contract/events.ts'
import type { PendingReport } from '../../src/core/inbound/inbound-store.ts'
import { knownStatus, raise } from '../../src/core/inbound/raise-message.ts'
import { lifetimeOver } from '../../src/core/sending/lifetime.ts'
import type { OutgoingRecord } from '../../src/core/sending/outgoing-rows.ts'

const hourMs = 3_600_000
const lifetimeMs = 12 * hourMs
const at = (hours: number) => new Date(Date.UTC(2026, 10, 20) + hours * hourMs)

const accepted = {
  id: 1,
  state: 'accepted',
  statusRank: 3,
  messageId: 'wamid.1',
  dueAt: null,
  acceptedAt: at(0),
  sentAt: null,
  deliveredAt: null,
  readAt: null,
  failedAt: null,
  failureCode: null,
  failureReason: null,
} as unknown as OutgoingRecord

const { code, reason } = lifetimeOver(lifetimeMs)
const givenUp: OutgoingRecord = {
  ...accepted,
  state: 'expired',
  statusRank: 4,
  sentAt: at(1),
  failureCode: code,
  failureReason: reason,
}

const reportOf = (status: ReportStatus, hours: number): PendingReport => ({
  id: 1,
  connectionId: 1,
  messageId: 'wamid.1',
  reference: null,
  status,
  at: at(hours),
  failureCode: status === 'failed' ? 'recipient_unreachable' : null,
  failureReason: null,
  pricing: null,
  tries: 0,
})

const raisedBy = (record: OutgoingRecord, ...reports: readonly (readonly [ReportStatus, number])[]) =>
  reports.reduce((known, [status, hours]) => raise(known, reportOf(status, hours), status, lifetimeMs), record)

describe('a report raises its message', () => {
  it('sent: somebody looks again an hour after its lifetime, counted from the first time that was told', () => {
    expect(raisedBy(accepted, ['sent', 2]).dueAt).to.deep.equal(at(2 + 12 + 1))
    expect(raisedBy(accepted, ['sent', 2], ['sent', 1]).dueAt).to.deep.equal(at(1 + 12 + 1))
  })

  it('also when it was skipped after an attempt that nobody seemed to have taken', () => {
    const skipped = { ...accepted, state: 'skipped', statusRank: 1, acceptedAt: null, attempts: 1 } as const
    const raised = raisedBy({ ...skipped, failureCode: 'shipment_ended' }, ['delivered', 2])
    expect(raised).to.deep.include({ state: 'accepted', statusRank: 6, failureCode: null })
    expect(raisedBy({ ...skipped, attempts: 0 }, ['delivered', 2]).state).to.equal('skipped')
  })

  it('anything else: nobody has to', () => {
    for (const status of ['delivered', 'read', 'failed'] as const) {
      expect(raisedBy(accepted, ['sent', 1], [status, 2]).dueAt, status).to.equal(null)
      expect(raisedBy(accepted, [status, 2], ['sent', 1]).dueAt, status).to.equal(null)
    }
  })

  it('that was given up: only by more than sent, and then nothing is left of the conclusion', () => {
    expect(raisedBy(givenUp, ['sent', 2])).to.deep.include({ state: 'expired', dueAt: null, failureCode: code })
    for (const status of ['delivered', 'read'] as const)
      expect(raisedBy(givenUp, [status, 20])).to.deep.include({
        state: 'accepted',
        failureCode: null,
        failureReason: null,
      })
    expect(raisedBy(givenUp, ['failed', 20])).to.deep.include({
      state: 'accepted',
      failureCode: 'recipient_unreachable',
    })
  })

  it('to the same state in any order, given up in between or not', () => {
    const statuses = fc.constantFrom<ReportStatus>('sent', 'delivered', 'read', 'failed')
    const reports = fc.uniqueArray(fc.tuple(statuses, fc.integer({ min: 1, max: 9 })), {
      minLength: 1,
      maxLength: 4,
      selector: ([status]) => status,
    })
    const shuffled = reports.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    )
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(raisedBy(accepted, ...list)).to.deep.equal(raisedBy(accepted, ...other))
        const isMore = list.some(([status]) => status !== 'sent')
        if (isMore) expect(raisedBy(givenUp, ...list)).to.deep.equal(raisedBy(raisedBy(accepted, ['sent', 1]), ...list))
      }),
    )
  })

  it('not by a word that nobody knows', () => {
    expect(['sent', 'delivered', 'read', 'failed', 'deleted', 'constructor'].map(knownStatus)).to.deep.equal([
      'sent',
      'delivered',
      'read',
      'failed',
      undefined,
      undefined,
    ])
  })
})
