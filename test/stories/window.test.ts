import { expect } from 'chai'
import type { TemplateInput } from '../../src/providers/simulator/inputs.ts'
import {
  aClock,
  activityOf,
  aFirstMessage,
  anOwnConnection,
  answersTo,
  decisionsOf,
  inWorld,
  messagesTo,
  requestsFor,
  say,
  settle,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

const noted: TemplateInput = {
  name: 'acme_noted',
  language: 'en',
  components: [{ type: 'BODY', text: 'Hello {{1}}, your choice for order {{2}} has been noted.' }],
}

const dayMinutes = 24 * 60

for (const storage of storages) {
  describe(`the window for free text, on ${storage}`, () => {
    const story = (tell: (world: World, clock: ReturnType<typeof aClock>) => Promise<void>) => () => {
      const clock = aClock('2026-06-19T20:00:00Z')
      return inWorld({ storage, now: clock.now }, (world) => tell(world, clock))
    }

    /** A customer decides while their number is throttled, so that the thanks have to wait. */
    async function decideWithThanksWaiting(world: World, account_id = 379) {
      const first = await aFirstMessage(world, { account_id, reason: 'otp_cancellation' })
      world.provider.addRule({ phone: first.customer.phone, next: 1, error: { http: 400, code: 131056 } })
      await world.provider.tap(first.sent.wamid, { title: 'Reattempt' })
      await until('the thanks wait', async () => {
        const [thanks] = (await timelineOf(world, first.id)).followUps
        return thanks && (await timelineOf(world, thanks.id)).state === 'waiting'
      })
      await settle(world)
      const [thanks] = (await timelineOf(world, first.id)).followUps
      return { ...first, thanksId: thanks?.id ?? '' }
    }
    const ended = (world: World, id: string) =>
      until('the thanks ended', async () => {
        const message = await timelineOf(world, id)
        return ['failed', 'accepted'].includes(message.state) ? message : undefined
      })

    it(
      'closes ten minutes early: later nothing is called, and that is said',
      story(async (world, clock) => {
        const { customer, id, thanksId } = await decideWithThanksWaiting(world)
        const asked = requestsFor(world, customer).length
        clock.advance(dayMinutes - 10)
        const thanks = await ended(world, thanksId)
        expect([thanks.status, thanks.failure?.code]).to.deep.equal(['failed', 'window_closed'])
        expect(thanks.failure?.vendorCode, 'the provider was not asked').to.equal(null)
        expect(requestsFor(world, customer)).to.have.length(asked)
        expect(thanks.attempts.map(({ outcome, failureCode }) => [outcome, failureCode])).to.deep.equal([
          ['refused', 'recipient_throttled'],
          ['refused', 'window_closed'],
        ])
        expect(await activityOf(world, id)).to.include('failed')
        expect(decisionsOf(world, customer), 'the decision stands').to.have.length(1)
      }),
    )

    it(
      'is still open a minute before that',
      story(async (world, clock) => {
        const { customer, thanksId } = await decideWithThanksWaiting(world)
        clock.advance(dayMinutes - 11)
        expect((await ended(world, thanksId)).state).to.equal('accepted')
        expect(messagesTo(world, customer)).to.have.length(2)
      }),
    )

    it(
      "counts from the customer's last message, whatever it answers",
      story(async (world, clock) => {
        const { customer, thanksId } = await decideWithThanksWaiting(world)
        await world.database.write(`UPDATE wa_outgoing_messages SET due_at = '2026-06-20 23:00:00.000' WHERE id = $1`, [
          thanksId,
        ])
        clock.advance(dayMinutes / 2)
        await world.provider.say(customer.phone, 'hello?')
        await until('it is known that they wrote', async () => {
          const [contact] = await world.rows<{ wrote: string }>('SELECT last_inbound_at AS wrote FROM wa_contacts')
          return contact?.wrote.startsWith('2026-06-20 08:00')
        })
        clock.advance(dayMinutes - 30)
        expect((await ended(world, thanksId)).state).to.equal('accepted')
      }),
    )

    it(
      'gives way to a template that the account names for the answer',
      story(async (world, clock) => {
        const outsideWindow = { name: 'acme_noted', values: ['customer', 'order'] }
        const { accountId } = await anOwnConnection(world, {
          templates: [noted],
          settings: { flows: { actions: { reattempt: { outsideWindow } } } },
        })
        const { customer, thanksId } = await decideWithThanksWaiting(world, accountId)
        clock.advance(dayMinutes)
        expect((await ended(world, thanksId)).state).to.equal('accepted')
        const sent = messagesTo(world, customer).at(-1)
        expect(sent).to.include({ type: 'template', template: 'acme_noted' })
        expect(sent?.text).to.match(/^Hello .+, your choice for order #98079 has been noted\.$/)
        const [row] = await world.rows<{ payload: string }>(
          `SELECT payload FROM wa_outgoing_messages WHERE id = ${thanksId}`,
        )
        expect(JSON.parse(row?.payload ?? '{}').insteadOf).to.contain('We have noted your request')
      }),
    )

    it(
      'is not asked about for templates',
      story(async (world, clock) => {
        const { customer, sent } = await aFirstMessage(world)
        await tap(world, sent, 'Reattempt')
        clock.advance(3 * dayMinutes)
        const { sent: next } = await aFirstMessage(world, { customer })
        expect(next.type).to.equal('template')
      }),
    )

    it(
      'is believed to be open when the customer just wrote and the provider does not know it yet',
      story(async (world, clock) => {
        const { customer, sent, id } = await aFirstMessage(world)
        world.provider.addRule({ phone: customer.phone, next: 1, error: { http: 400, code: 131047 } })
        await tap(world, sent, 'Reattempt')
        const [thanks] = (await timelineOf(world, id)).followUps
        clock.advance(1)
        expect((await ended(world, thanks?.id ?? '')).state).to.equal('accepted')
        expect(messagesTo(world, customer)).to.have.length(2)
      }),
    )

    it(
      'may be closed by the word of the provider alone',
      story(async (world, clock) => {
        const { customer, sent, id } = await aFirstMessage(world)
        world.provider.addRule({ phone: customer.phone, next: 3, error: { http: 400, code: 131047 } })
        await world.provider.tap(sent.wamid, { title: 'Reattempt' })
        await settle(world)
        const [thanks] = (await timelineOf(world, id)).followUps
        for (const attempts of [2, 3]) {
          clock.advance(1)
          await until(
            'it is tried again',
            async () => (await timelineOf(world, thanks?.id)).attempts.length === attempts,
          )
        }
        expect((await timelineOf(world, thanks?.id)).failure).to.include({
          code: 'window_closed',
          vendorCode: '131047',
        })
        world.provider.addRule({ phone: customer.phone, next: 1, webhooks: { failCode: 131047 } })
        await answersTo(world, customer, () => world.provider.say(customer.phone, 'hello'))
        const later = (await timelineOf(world, id)).followUps.at(-1)
        expect((await timelineOf(world, later?.id)).failure?.code).to.equal('window_closed')
        expect((await say(world, customer, 'hello again')).length, 'said once in a while').to.equal(0)
      }),
    )
  })
}
