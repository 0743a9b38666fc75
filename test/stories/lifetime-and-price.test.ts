import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { simulatorAccount } from '../support/fixtures.ts'
import {
  aClock,
  activityOf,
  aSilentMessage,
  aStatus,
  aWebhook,
  type FirstMessage,
  inWorld,
  postWebhook,
  settle,
  sharedWorld,
  storages,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

const report = async (world: World, { sent }: FirstMessage, status: string, more: object = {}) => {
  const { status: answer } = await postWebhook(world, aWebhook({ statuses: [aStatus(sent, status, more)] }))
  expect(answer).to.equal(200)
  await settle(world)
}

const regular = { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' }
const hour = 60

for (const storage of storages) {
  describe(`the price of a message on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const priceOf = async ({ id }: FirstMessage) =>
      (await timelineOf(world(), id)) as unknown as { status: string; pricing: object | null }

    it('is nothing while no report tells it', async () => {
      const message = await aSilentMessage(world())
      await report(world(), message, 'delivered')
      expect(await priceOf(message)).to.deep.include({ pricing: null, status: 'delivered' })
    })

    it('is what the first report says that tells it, whatever came before and after', async () => {
      const message = await aSilentMessage(world())
      await report(world(), message, 'read')
      await report(world(), message, 'sent', { pricing: regular })
      await report(world(), message, 'delivered', { pricing: { ...regular, category: 'marketing', billable: false } })
      const pricing = { model: 'PMP', type: 'regular', category: 'utility', isBillable: true }
      expect(await priceOf(message)).to.deep.include({ pricing, status: 'read' })
    })

    it('is put together from what several reports of one webhook say', async () => {
      const message = await aSilentMessage(world())
      const conversation = { id: 'c0ffee', origin: { type: 'referral_conversion' } }
      const statuses = [
        aStatus(message.sent, 'sent', { conversation }),
        aStatus(message.sent, 'delivered', { pricing: { pricing_model: 'PMP', category: 'utility' } }),
      ]
      await postWebhook(world(), aWebhook({ statuses }))
      await settle(world())
      expect((await priceOf(message)).pricing).to.deep.equal({
        model: 'PMP',
        category: 'utility',
        conversationId: 'c0ffee',
        conversationOrigin: 'referral_conversion',
      })
    })
  })

  describe(`a message of which nothing is heard after sent, on ${storage}`, () => {
    /** A story on a clock that stands still, with messages of that day. */
    const onADay = (story: (world: World, clock: ReturnType<typeof aClock>, at: () => object) => Promise<void>) => {
      const clock = aClock('2026-11-20T06:00:00Z')
      const at = () => ({ timestamp: String(Math.floor(clock.now().getTime() / 1000)) })
      return inWorld({ storage, now: clock.now }, (world) => story(world, clock, at))
    }
    const isExpired =
      (world: World, { id }: FirstMessage) =>
      async () =>
        (await timelineOf(world, id)).status === 'expired'
    /** Long enough for every worker to have looked. */
    const looks = () => sleep(1_500)

    it("ends as expired after its template's lifetime, which says that it is inferred", () =>
      onADay(async (world, clock, at) => {
        const message = await aSilentMessage(world)
        const delivered = await aSilentMessage(world)
        await report(world, message, 'sent', at())
        await report(world, delivered, 'sent', at())
        await report(world, delivered, 'delivered', at())
        clock.advance(12 * hour + 59)
        await looks()
        expect((await timelineOf(world, message.id)).status, 'within the margin').to.equal('sent')
        clock.advance(2)
        await until('the message is expired', isExpired(world, message))
        const { state, failure, activity } = await timelineOf(world, message.id)
        expect(state).to.equal('expired')
        expect(failure).to.deep.include({ code: 'lifetime_over', vendorCode: null })
        const failed = activity.find(({ event }) => event.eventSubType === 'failed')
        expect(failed?.event.response_data.failureReason).to.match(
          /^Inferred: no delivery was reported within 12 hours/,
        )
        expect((await timelineOf(world, delivered.id)).status).to.equal('delivered')
        const { body } = await world.call<{ items: { id: string }[] }>('GET', '/v1/messages?status=expired')
        expect(body.items.map(({ id }) => id)).to.deep.equal([message.id])
        const sent = await world.call<{ items: object[] }>('GET', '/v1/messages?status=sent')
        expect(sent.body.items).to.deep.equal([])
      }))

    it('is raised by a report that comes later, and by a repeated sent is not', () =>
      onADay(async (world, clock, at) => {
        const message = await aSilentMessage(world)
        await report(world, message, 'sent', at())
        clock.advance(14 * hour)
        await until('the message is expired', isExpired(world, message))
        await report(world, message, 'sent', { ...at(), recipient_user_id: 'IN.7' })
        expect((await timelineOf(world, message.id)).status).to.equal('expired')
        await report(world, message, 'delivered', at())
        const { status, state, failure } = await timelineOf(world, message.id)
        expect({ status, state, failure }).to.deep.equal({ status: 'delivered', state: 'accepted', failure: null })
        expect(await activityOf(world, message.id)).to.include.members(['failed', 'delivered'])
      }))

    it("lives as long as the provider's usual time where its template names none", () =>
      onADay(async (world, clock, at) => {
        const templates = { customer_unavailable: { name: 'own_words', language: 'en' } }
        world.provider.addAccount({ ...(await accountAt(world)), strictTemplates: false })
        const settings = { accountSlug: 'acme-store', isWhatsappEnabled: true, templates }
        expect((await world.call('PUT', '/v1/accounts/379/settings?verify=false', settings)).status).to.equal(200)
        const message = await aSilentMessage(world)
        await report(world, message, 'sent', at())
        clock.advance(29 * 24 * hour)
        await looks()
        expect((await timelineOf(world, message.id)).status).to.equal('sent')
        clock.advance(2 * 24 * hour)
        await until('the message is expired', isExpired(world, message))
        expect((await timelineOf(world, message.id)).failure?.detail).to.match(/30 days/)
      }))
  })
}

/** The account as it is at the provider, to be put again with changes. */
async function accountAt(world: World) {
  const { body } = await world.call<{ webhook: { callbackUrl: string; verifyToken: string } }>(
    'GET',
    '/v1/connections/1',
  )
  return { ...simulatorAccount.account, webhookUrl: body.webhook.callbackUrl, verifyToken: body.webhook.verifyToken }
}
