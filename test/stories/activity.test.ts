import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { type ActivityItem, listen, type Stream } from '../support/ask.ts'
import { bearer } from '../support/clients.ts'
import { expectGolden } from '../support/golden.ts'
import {
  aClock,
  aCustomer,
  aFirstMessage,
  aSilentMessage,
  aStatus,
  aWebhook,
  type Customer,
  deliver,
  eventFor,
  inWorld,
  messagesTo,
  type NotifiedReason,
  postWebhook,
  say,
  settle,
  sharedWorld,
  storages,
  tap,
} from '../support/stories.ts'
import { adminKey, until, type World } from '../support/world.ts'

/** The customer of the real event. */
const asha: Customer = { local: '9810012345', phone: '+919810012345', waId: '919810012345' }

const pageOf = async (world: World, after: string | number = 0, limit = 1000) =>
  (await world.call<{ items: ActivityItem[]; next: string }>('GET', `/v1/activity?after=${after}&limit=${limit}`)).body

/** All events that an act leads to. */
async function eventsOf(world: World, act: () => Promise<unknown>): Promise<ActivityItem[]> {
  const { next } = await pageOf(world)
  await act()
  await settle(world)
  return (await pageOf(world, next)).items
}

const report =
  (world: World, message: { wamid: string; to: string } | undefined, status: string, more = {}) =>
  async () => {
    if (message) await postWebhook(world, aWebhook({ statuses: [aStatus(message, status, more)] }))
  }

/** Taps buttons one after the other, each on the newest message; the events of the last tap. */
async function eventsOfTaps(world: World, reason: NotifiedReason, titles: readonly string[]): Promise<ActivityItem[]> {
  await aSilentMessage(world, { customer: asha, reason })
  let events: ActivityItem[] = []
  for (const title of titles) events = await eventsOf(world, () => tap(world, messagesTo(world, asha).at(-1), title))
  return events
}

const eventsAlone = (items: readonly ActivityItem[]) => items.map(({ event }) => event)

/** Follows the live stream. */
const follow = (world: World, headers: Record<string, string> = {}, after: string | number = 0): Promise<Stream> =>
  listen(world.url, `/v1/activity/stream?after=${after}`, { ...bearer(adminKey), ...headers })

for (const storage of storages) {
  describe(`activity events on ${storage}`, () => {
    it('look exactly as their consumers expect, for everything that happens', () =>
      inWorld({ storage, now: aClock('2026-06-19T20:00:00Z').now }, async (world) => {
        const inqueue = await eventsOf(world, () => aSilentMessage(world, { customer: asha }))
        const first = messagesTo(world, asha).at(-1)
        const reports = {
          sent: await eventsOf(world, report(world, first, 'sent')),
          delivered: await eventsOf(world, report(world, first, 'delivered')),
          read: await eventsOf(world, report(world, first, 'read')),
        }
        const words = await eventsOf(world, () => say(world, asha, 'Hello'))
        const answered = await eventsOf(world, report(world, messagesTo(world, asha).at(-1), 'delivered'))
        await aSilentMessage(world, { customer: asha })
        const errors = [{ code: 131026, title: 'Message undeliverable' }]
        const failed = await eventsOf(world, report(world, messagesTo(world, asha).at(-1), 'failed', { errors }))
        const taps = {
          update_address: await eventsOfTaps(world, 'address_issue', ['Update address']),
          add_alternate_number: await eventsOfTaps(world, 'address_issue', ['Add alternate number']),
          date_asked: await eventsOfTaps(world, 'payment_issue', ['Select new delivery date']),
          date_chosen: await eventsOfTaps(world, 'payment_issue', ['Select new delivery date', '23 June 2026']),
          reattempt: await eventsOfTaps(world, 'customer_unavailable', ['Reattempt']),
          report_fake_delivery: await eventsOfTaps(world, 'customer_unavailable', ['Report fake delivery']),
          cancel: await eventsOfTaps(world, 'otp_cancellation', ['Cancel my order']),
        }
        const all = { inqueue, ...reports, words, answered, failed, ...taps }
        expectGolden(
          'activity-events',
          Object.fromEntries(Object.entries(all).map(([name, items]) => [name, eventsAlone(items)])),
        )
      }))

    it("are dated in the couriers' time zone", () =>
      inWorld({ storage, now: aClock('2026-06-19T20:00:00Z').now }, async (world) => {
        const [inqueue] = await eventsOf(world, () => aSilentMessage(world))
        expect(inqueue?.event.response_data.timestamp).to.equal('20-06-2026')
      }))
  })

  describe(`reading activity events on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const openStreams: Stream[] = []
    const stream = async (...args: Parameters<typeof follow>) => {
      const opened = await follow(...args)
      openStreams.push(opened)
      return opened
    }
    afterEach(() => {
      for (const opened of openStreams.splice(0)) opened.close()
    })

    it('tells first messages and answers apart, in every event', async () => {
      const { sent, customer } = await aFirstMessage(world())
      await tap(world(), sent, 'Reattempt')
      const { items } = await pageOf(world())
      const about = items.filter(({ event }) => event.response_data.customerContactNumber === customer.local)
      const [roots, others] = [true, false].map((isRoot) =>
        about.filter(
          ({ event: { eventSubType, response_data } }) =>
            (response_data.messagedId === sent.wamid && eventSubType !== 'Reattempt') === isRoot,
        ),
      )
      expect(roots?.map(({ event }) => event.eventSubType)).to.have.members(['inqueue', 'sent', 'delivered', 'read'])
      for (const { event } of roots ?? []) {
        expect(event.response_data).to.include({ isRootMessage: 1 }).and.not.have.property('rootMessageId')
      }
      expect(others?.map(({ event }) => event.eventSubType)).to.have.members(['Reattempt', 'sent', 'delivered', 'read'])
      for (const { event } of others ?? []) {
        expect(event.response_data).to.include({ rootMessageId: sent.wamid }).and.not.have.property('isRootMessage')
      }
    })

    it('gives the same events in pages of any size', async () => {
      for (let count = 0; count < 3; count++) await aFirstMessage(world())
      const { items: all, next } = await pageOf(world())
      const paged: ActivityItem[] = []
      let cursor: string | number = 0
      for (;;) {
        const page: { items: ActivityItem[]; next: string } = await pageOf(world(), cursor, 5)
        if (page.items.length === 0) break
        paged.push(...page.items)
        cursor = page.next
      }
      expect(paged).to.deep.equal(all)
      expect(cursor).to.equal(next)
      expect(all.length).to.be.greaterThan(5)
    })

    it('gives every event an id of its own that stays', async () => {
      await aFirstMessage(world())
      const { items } = await pageOf(world())
      const again = (await pageOf(world())).items
      expect(new Set(items.map(({ id }) => id))).to.have.property('size', items.length)
      expect(again.map(({ id }) => id)).to.deep.equal(items.map(({ id }) => id))
    })

    it('streams what the pages give', async () => {
      await aFirstMessage(world())
      const { items } = await pageOf(world())
      const { heard } = await stream(world())
      await until('everything is streamed', () => heard().items.length >= items.length)
      expect(heard().items).to.deep.equal(items)
    })

    it('streams what happens while somebody listens', async () => {
      const { next } = await pageOf(world())
      const { heard } = await stream(world(), {}, next)
      await deliver(world(), eventFor(aCustomer()))
      await settle(world())
      await until('four events are streamed', () => heard().items.length >= 4)
      expect(heard().items).to.deep.equal((await pageOf(world(), next)).items)
    })

    it('goes on after the last id that the listener got', async () => {
      await aFirstMessage(world())
      const { items } = await pageOf(world())
      const last = items.at(-3)?.cursor ?? ''
      const { heard } = await stream(world(), { 'last-event-id': last })
      await until('the rest is streamed', () => heard().items.length >= 2)
      await sleep(50)
      expect(heard().items).to.deep.equal(items.slice(-2))
    })
  })
}
