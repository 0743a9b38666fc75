import { expect } from 'chai'
import {
  aClock,
  activityOf,
  decisionsOf,
  settle,
  sharedWorld,
  storages,
  type Timeline,
  timelineOf,
} from '../support/stories.ts'
import { answerAtTwin, aTwinAccount, aTwinMessage, sentBy, type TwinAccount, untilStatus } from '../support/twin24.ts'
import { until, type World } from '../support/world.ts'

const untilTold = (world: World, id: string, what: string, isSo: (told: Timeline) => boolean) =>
  until(what, async () => isSo(await timelineOf(world, id)))

for (const storage of storages) {
  describe(`what TWIN does not tell by itself, on ${storage}`, () => {
    const clock = aClock(new Date().toISOString())
    const shared = sharedWorld({ storage, now: clock.now })
    let world: World

    before(() => {
      world = shared()
      // All files are read before the first of their stories is told.
      clock.advance((Date.now() - clock.now().getTime()) / 60_000)
    })
    afterEach(() => world.provider.twin24.clearRules())

    // First, because TWIN's clock is not moved: its statistics are asked for by time.
    it('the result of a dialogue whose scenario makes no call is read from the statistics', async () => {
      const dialogueResults = { confirmation: { Отказ: 'cancel', 'Да, привезите': 'reattempt' } }
      const account = await aTwinAccount(world, { connection: { dialogueResults } })
      const message = await aTwinMessage(world, account)
      await untilStatus(world, message.id, 'delivered')
      clock.advance(1)
      await until('its result is waited for', async () => (await pollsOf(world, account))[0]?.awaits === 'result')
      await answerAtTwin(world, message, { results: { confirmation: 'отказ', nps: '3' } })
      clock.advance(3)
      await untilTold(
        world,
        message.id,
        'the decision is there',
        ({ conversation }) => conversation?.decision === 'cancel',
      )
      await settle(world)
      expect(decisionsOf(world, message.customer).map(({ action }) => action)).to.deep.equal(['cancel'])
      expect(await activityOf(world, message.id)).to.deep.equal(['inqueue', 'delivered', 'Cancel my order'])
      clock.advance(10)
      await until('nothing is left to ask', async () => (await pollsOf(world, account)).length === 0)
    })

    for (const answer of ['taken_error', 'taken_reset'] as const) {
      it(`${answer}: found when asked, and never sent again`, async () => {
        const account = await aTwinAccount(world)
        const callbacks = { suppress: ['PENDING', 'DELIVERED'] }
        const message = await aTwinMessage(world, account, { rule: { answer, callbacks } })
        expect(await timelineOf(world, message.id)).to.deep.include({ state: 'in_doubt' })
        clock.advance(2.1)
        await untilTold(world, message.id, 'it is found', ({ state }) => state === 'accepted')
        clock.advance(1)
        await untilStatus(world, message.id, 'delivered')
        expect(await activityOf(world, message.id)).to.deep.equal(['inqueue', 'delivered'])
        expect(sentBy(world, message.customer)).to.have.length(1)
      })
    }

    it('a message that TWIN does not have after three looks is sent as if for the first time', async () => {
      const account = await aTwinAccount(world)
      // Shows that the server keeps our id.
      await aTwinMessage(world, account)
      await until('it is noted', async () => {
        const rows = await world.rows(
          `SELECT kept_reference AS kept FROM wa_connections WHERE id = ${account.connectionId}`,
        )
        return rows[0]?.kept !== null
      })
      const message = await aTwinMessage(world, account, { rule: { next: 1, answer: 'reset' } })
      for (const minutes of [2.1, 3, 5]) {
        expect(sentBy(world, message.customer)).to.have.length(0)
        const before = await absences(world, message.id)
        clock.advance(minutes)
        await until('it was asked for', async () => (await absences(world, message.id)) !== before)
      }
      await untilStatus(world, message.id, 'delivered')
      expect(sentBy(world, message.customer)).to.have.length(1)
      const { attempts } = await timelineOf(world, message.id)
      expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['refused', 'accepted'])
      const [row] = await world.rows(
        `SELECT possible_duplicate AS twice FROM wa_outgoing_messages WHERE id = ${message.id}`,
      )
      expect(Number(row?.twice)).to.equal(0)
    })

    it('a server that does not keep our id is no proof: nothing is sent again', async () => {
      const account = await aTwinAccount(world, { company: { keepsBulkId: false } })
      await aTwinMessage(world, account)
      const message = await aTwinMessage(world, account, {
        rule: { next: 1, answer: 'taken_error', ends: 'PENDING', callbacks: { suppress: ['PENDING'] } },
      })
      for (let hour = 0; hour < 25; hour++) {
        clock.advance(60)
        await settle(world)
      }
      await untilTold(world, message.id, 'it is given up', ({ state }) => state === 'unknown')
      expect(sentBy(world, message.customer)).to.have.length(1)
    })

    it('a callback proves that TWIN took what it never answered', async () => {
      const account = await aTwinAccount(world, { company: { keepsBulkId: false } })
      const callbacks = { suppress: ['PAUSED'] }
      const rule = { answer: 'taken_reset', ends: 'PAUSED', callbacks } as const
      const message = await aTwinMessage(world, account, { rule })
      await untilTold(world, message.id, 'it is accepted', ({ state }) => state === 'accepted')
      await settle(world)
      const told = await timelineOf(world, message.id)
      expect(told).to.deep.include({ status: 'accepted', messageId: message.sent[0]?.id })
      expect(await activityOf(world, message.id)).to.deep.equal(['inqueue'])
    })

    it('lost callbacks: the message is asked about until its end', async () => {
      const account = await aTwinAccount(world)
      const rule = {
        ends: 'UNDELIVERED',
        description: 'Not on WhatsApp',
        callbacks: { suppress: ['PENDING', 'UNDELIVERED'] },
      }
      const message = await aTwinMessage(world, account, { rule })
      expect((await timelineOf(world, message.id)).status).to.equal('accepted')
      clock.advance(1)
      await untilStatus(world, message.id, 'failed')
      const { failure } = await timelineOf(world, message.id)
      expect(failure).to.deep.include({ code: 'recipient_unreachable' })
      expect(failure?.detail).to.contain('Not on WhatsApp')
      clock.advance(10)
      await until('nothing is left to ask', async () => (await pollsOf(world, account)).length === 0)
    })

    it('a failure by callback changes nothing until TWIN confirms it, at once', async () => {
      const account = await aTwinAccount(world)
      const message = await aTwinMessage(world, account, { rule: { ends: 'UNDELIVERED', description: 'Blocked' } })
      // No time passes: the callback alone makes it be asked about.
      await untilStatus(world, message.id, 'failed')
      const { reports, failure } = await timelineOf(world, message.id)
      // Two callbacks at once may overtake each other.
      expect(reports.map(({ status }) => status)).to.have.members(['accepted', 'unconfirmed', 'failed'])
      expect(failure?.detail).to.contain('Blocked')
      expect(await activityOf(world, message.id)).to.deep.equal(['inqueue', 'failed'])
    })
  })
}

const absences = async (world: World, id: string) => {
  const [row] = await world.rows(`SELECT absences, state FROM wa_outgoing_messages WHERE id = ${id}`)
  return `${row?.state} ${row?.absences}`
}

const pollsOf = (world: World, { connectionId }: TwinAccount) =>
  world.rows<{ awaits: string }>(`SELECT awaits FROM wa_polls WHERE connection_id = ${connectionId}`)
