import { expect } from 'chai'
import fc from 'fast-check'
import type { PendingReport } from '../../src/core/inbound/inbound-store.ts'
import { raiseAll } from '../../src/core/inbound/raise-all.ts'
import type { OutgoingRecord } from '../../src/core/sending/outgoing-rows.ts'
import { aRecord, recordedAt } from '../support/records.ts'

const lifetimeMs = () => 43_200_000
const statuses = ['accepted', 'sent', 'delivered', 'read', 'failed', 'teleported'] as const

/** One report of each status, as a provider makes them: its own time, and one text for a failure. */
const aReport = (status: (typeof statuses)[number], second: number, id: number): PendingReport => ({
  id,
  connectionId: 1,
  messageId: 'wamid.ROOT',
  reference: 'AbCdEfGhIjKlMnOpQrSt_-.1',
  status,
  at: new Date(recordedAt.getTime() + second * 1_000),
  failureCode: status === 'failed' ? 'recipient_unreachable' : null,
  failureReason: status === 'failed' ? '131026 Message undeliverable' : null,
  tries: 0,
  pricing: null,
})

/** Applies reports in groups, as the database hands them out; resolves with the state and the events that are told. */
function play(start: OutgoingRecord, groups: readonly (readonly PendingReport[])[]) {
  let record = start
  const told = new Set<string>()
  for (const pending of groups) {
    const ids = new Map(pending.map(({ id }) => [id, start.id]))
    const { changed, activities } = raiseAll({ pending, ids, records: new Map([[start.id, record]]) }, lifetimeMs)
    record = changed.at(-1) ?? record
    for (const { eventId, eventSubType } of activities) told.add(`${eventSubType} ${eventId}`)
  }
  return { record, told: [...told].sort() }
}

/** What was reported of a message, and the same shuffled, repeated and grouped in another way. */
const twoTellings = fc
  .record({
    reported: fc.uniqueArray(fc.tuple(fc.constantFrom(...statuses), fc.nat({ max: 9 })), {
      minLength: 1,
      selector: ([status]) => status,
    }),
    repeats: fc.array(fc.nat({ max: 4 }), { maxLength: 12 }),
    cuts: fc.array(fc.nat({ max: 16 }), { maxLength: 4 }),
    isAccepted: fc.boolean(),
    isRoot: fc.boolean(),
  })
  .chain(({ reported, repeats, cuts, isAccepted, isRoot }) => {
    const reports = reported.map(([status, second], id) => aReport(status, second, id + 1))
    const again = repeats.flatMap((index) => reports[index] ?? [])
    const all = [...reports, ...again]
    return fc
      .shuffledSubarray(all, { minLength: all.length, maxLength: all.length })
      .map((shuffled) => ({ reports, other: inGroups(shuffled, cuts), isAccepted, isRoot }))
  })

function inGroups<T>(items: readonly T[], cuts: readonly number[]): T[][] {
  const ends = [...new Set([...cuts, items.length])].filter((end) => end <= items.length).sort((a, b) => a - b)
  return ends.map((end, index) => items.slice(ends[index - 1] ?? 0, end)).filter((group) => group.length > 0)
}

describe('reports of a message', () => {
  it('in 10,000 other orders, repeated and grouped in any way: one final state, the same activity events', function () {
    this.timeout(60_000)
    fc.assert(
      fc.property(twoTellings, ({ reports, other, isAccepted, isRoot }) => {
        const start = aRecord({
          ...(isAccepted ? { state: 'accepted', statusRank: 3, acceptedAt: recordedAt } : {}),
          ...(isRoot ? {} : { rootOutgoingId: 50, rootMessageId: 'wamid.FIRST' }),
        })
        expect(play(start, other)).to.deep.equal(play(start, [reports]))
      }),
      { numRuns: 10_000 },
    )
  })
})
