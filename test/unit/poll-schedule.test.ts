import { expect } from 'chai'
import { awaitedOf, nextPollAt } from '../../src/core/polling/poll-schedule.ts'
import { rank } from '../../src/core/sending/outgoing-message.ts'

const start = new Date('2026-11-20T06:30:00.000Z')
const minute = 60_000
const hour = 60 * minute
const later = (ms: number) => new Date(start.getTime() + ms)

/** All times at which is asked, each one the moment when the one before was due. */
function timesOf(awaits: 'status' | 'result', chance: number): number[] {
  const times: number[] = []
  for (let now: Date | undefined = start; now; ) {
    now = nextPollAt(awaits, start, now, chance)
    if (now) times.push(now.getTime() - start.getTime())
  }
  return times
}

describe('when a provider is asked', () => {
  it('about the end of a message: from half a minute to the end of the longest validity', () => {
    const expected = [0.5, 2, 10, 30, 120, 360, 1440, 2880].map((minutes) => minutes * minute)
    expect(timesOf('status', 0)).to.deep.equal(expected)
  })

  it('about the result of a dialogue: for a day', () => {
    const expected = [1, 3, 10, 30, 120, 360, 720, 1440].map((minutes) => minutes * minute)
    expect(timesOf('result', 0)).to.deep.equal(expected)
  })

  it('never sooner than planned and a tenth later at most, with as many questions', () => {
    const planned = timesOf('status', 0)
    const spread = timesOf('status', 0.999)
    expect(spread).to.have.length(planned.length)
    for (const [index, at] of spread.entries()) {
      const soonest = planned[index] ?? 0
      expect(at).to.be.within(soonest, soonest * 1.1)
    }
  })

  it('goes on with the next time after a long standstill', () => {
    expect(nextPollAt('status', start, later(5 * hour), 0)).to.deep.equal(later(6 * hour))
    expect(nextPollAt('status', start, later(49 * hour), 0)).to.equal(undefined)
  })
})

describe('what is still asked of a message', () => {
  const choices = {
    type: 'template',
    template: { name: 'a', language: 'en' },
    values: {},
    buttons: ['b'],
  } as const
  const cases: [
    label: string,
    message: Parameters<typeof awaitedOf>[0],
    around: object,
    expected: string | undefined,
  ][] = [
    ['taken', { state: 'accepted', statusRank: rank.accepted, content: choices }, {}, 'status'],
    ['sent', { state: 'accepted', statusRank: rank.sent, content: choices }, {}, 'status'],
    ['failed', { state: 'accepted', statusRank: rank.failed, content: choices }, {}, undefined],
    ['delivered', { state: 'accepted', statusRank: rank.delivered, content: choices }, {}, 'result'],
    ['read', { state: 'accepted', statusRank: rank.read, content: choices }, {}, 'result'],
    ['decided', { state: 'accepted', statusRank: rank.read, content: choices }, { isDecided: true }, undefined],
    ['no results', { state: 'accepted', statusRank: rank.read, content: choices }, { hasResults: false }, undefined],
    ['no choices', { state: 'accepted', statusRank: rank.read, content: { ...choices, buttons: [] } }, {}, undefined],
    ['given up', { state: 'expired', statusRank: rank.sent, content: choices }, {}, undefined],
    ['sent again', { state: 'queued', statusRank: rank.pending, content: choices }, {}, undefined],
  ]
  for (const [label, message, around, expected] of cases) {
    it(`${label}: ${expected ?? 'nothing'}`, () =>
      expect(awaitedOf(message, { hasResults: true, isDecided: false, ...around })).to.equal(expected))
  }
})
