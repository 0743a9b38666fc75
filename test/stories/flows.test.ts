import { expect } from 'chai'
import {
  aClock,
  activityOf,
  aFirstMessage,
  anAccount,
  aTapOn,
  aWebhook,
  decisionsOf,
  inWorld,
  postWebhook,
  say,
  settle,
  sharedWorld,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

/** Friday evening in UTC, Saturday 20 June in India. */
const nightInIndia = '2026-06-19T20:00:00Z'

for (const storage of storages) {
  describe(`an account's own flows on ${storage}`, () => {
    const world = sharedWorld({ storage, now: aClock(nightInIndia).now })
    const put = (path: string, flows: object) =>
      world().call<{ errors?: { path: string; message: string }[]; flows?: object }>(
        'PUT',
        `/v1/accounts/${path}/settings`,
        { isWhatsappEnabled: true, flows },
      )
    const datesFor = async (changes: Record<string, unknown>) => {
      const { sent } = await aFirstMessage(world(), changes)
      const [question] = await tap(world(), sent, 'Select new delivery date')
      return question?.buttons.map(({ title }) => title)
    }

    it('leave out its holidays and days, and what is beyond its limit', async () => {
      const deliveryDates = { holidays: ['2026-06-22'], weekdaysOff: [7, 3], maxDays: 5 }
      const account_id = await anAccount(world(), { flows: { deliveryDates } })
      expect(await datesFor({ account_id })).to.deep.equal(['23 June 2026', '25 June 2026'])
    })

    it('keep to the limit of the courier', async () => {
      const deliveryDates = { couriers: { 'Blue Dart': { maxDays: 3 } } }
      const account_id = await anAccount(world(), { flows: { deliveryDates } })
      expect(await datesFor({ account_id, courierName: 'BLUE DART' })).to.deep.equal(['22 June 2026', '23 June 2026'])
      expect(await datesFor({ account_id, courierName: 'Delhivery' })).to.have.length(3)
    })

    it('put the choices again when no date is left to offer', async () => {
      const account_id = await anAccount(world(), { flows: { deliveryDates: { maxDays: 1 } } })
      const { sent, customer } = await aFirstMessage(world(), { account_id })
      const [answer] = await tap(world(), sent, 'Select new delivery date')
      expect(answer?.text).to.include('No new delivery date can be offered')
      await tap(world(), answer, 'Reattempt')
      expect(decisionsOf(world(), customer).map(({ action }) => action)).to.deep.equal(['reattempt'])
    })

    it('say it in its own words, and do what it wants', async () => {
      const flows = {
        actions: { cancel: { does: 'link', link: 'update_address' }, reattempt: { ndr: 'report_fake_delivery' } },
        texts: { reattempt_thanks: { en: 'Our own thanks.' } },
      }
      const account_id = await anAccount(world(), { flows })
      const { sent, customer, id } = await aFirstMessage(world(), { account_id, reason: 'otp_cancellation' })
      const [link] = await tap(world(), sent, 'Cancel my order')
      expect(link?.buttons[0]).to.include({ kind: 'link', title: 'Update address' })
      const [thanks] = await tap(world(), sent, 'Reattempt')
      expect(thanks?.text).to.equal('Our own thanks.')
      expect(decisionsOf(world(), customer).map(({ action }) => action)).to.deep.equal(['report_fake_delivery'])
      expect(await activityOf(world(), id)).to.include.members(['Cancel my order', 'Reattempt'])
    })

    it("hold for a channel where it says so, over its account's", async () => {
      const account_id = await anAccount(world(), { flows: { deliveryDates: { count: 2, holidays: ['2026-06-22'] } } })
      await put(`${account_id}/channels/1299`, { deliveryDates: { count: 1 } })
      expect(await datesFor({ account_id, channel_id: '1299' })).to.deep.equal(['23 June 2026'])
      expect(await datesFor({ account_id, channel_id: '77' })).to.deep.equal(['23 June 2026', '24 June 2026'])
    })

    it('are shown as they were put', async () => {
      const flows = { openDays: 3, actions: { cancel: { answer: 'already_noted' } } }
      expect((await put('9001', flows)).body.flows).to.deep.equal(flows)
      expect((await world().call('GET', '/v1/accounts/9001/settings')).body.flows).to.deep.equal(flows)
    })

    const mistakes: [label: string, flows: object, path: string][] = [
      ['an action that there is not', { actions: { refund: {} } }, 'flows.actions'],
      ['an answer that there is not', { actions: { cancel: { answer: 'bye' } } }, 'flows.actions.cancel.answer'],
      ['a name of its own for an event', { actions: { cancel: { activity: 'Bye' } } }, 'flows.actions.cancel'],
      [
        'half of an action',
        {
          actions: { cancel: { does: 'ask_delivery_date', ndr: 'cancel', answer: 'cancel_thanks', again: 'too_late' } },
        },
        'flows.actions.cancel.question',
      ],
      ['a holiday that is no date', { deliveryDates: { holidays: ['2026-02-30'] } }, 'flows.deliveryDates.holidays.0'],
      ['a limit before the first day', { deliveryDates: { leadDays: 9, maxDays: 3 } }, 'flows.deliveryDates.maxDays'],
      [
        'words that forget the date',
        { texts: { reschedule_thanks: { en: 'Ok' } } },
        'flows.texts.reschedule_thanks.en',
      ],
      ['a part that there is not', { closing: {} }, 'flows'],
    ]
    for (const [label, flows, path] of mistakes) {
      it(`are refused with ${label}, and nothing is changed`, async () => {
        const { status, body } = await put('9002', flows)
        expect(status).to.equal(400)
        expect(
          body.errors?.map((error) => error.path),
          JSON.stringify(body),
        ).to.deep.equal([path])
        expect((await world().call('GET', '/v1/accounts/9002/settings')).body.isWhatsappEnabled).to.equal(false)
      })
    }

    it("are refused for a channel where they do not fit the account's", async () => {
      await put('9003', { deliveryDates: { leadDays: 9, maxDays: 12 } })
      const { status, body } = await put('9003/channels/5', { deliveryDates: { maxDays: 4 } })
      expect([status, body.errors?.[0]?.path]).to.deep.equal([400, 'flows.deliveryDates.maxDays'])
    })
  })

  describe(`a choice that may be changed until it is pushed, on ${storage}`, () => {
    const story = (tell: (world: World, clock: ReturnType<typeof aClock>) => Promise<void>) => () => {
      const clock = aClock(nightInIndia)
      return inWorld({ storage, now: clock.now }, (world) => tell(world, clock))
    }
    const flows = { changeUntilPushed: true, pushAfterMinutes: 5 }
    const aDecision = async (world: World, more: object = {}) => {
      const account_id = await anAccount(world, { flows: { ...flows, ...more } })
      const first = await aFirstMessage(world, { account_id })
      await tap(world, first.sent, 'Reattempt')
      return first
    }

    it(
      'is pushed once, as it was chosen last',
      story(async (world, clock) => {
        const { sent, id, customer } = await aDecision(world)
        const [question] = await tap(world, sent, 'Select new delivery date')
        const [thanks] = await tap(world, question, '23 June 2026')
        expect(thanks?.text).to.include('23 June 2026')
        const [again] = await tap(world, sent, 'Report fake delivery')
        expect(again?.text).to.include('We are reporting this')
        expect(decisionsOf(world, customer), 'not pushed yet').to.be.empty
        clock.advance(5)
        await until('it is pushed', () => decisionsOf(world, customer).length > 0)
        await settle(world)
        expect(decisionsOf(world, customer).map(({ action }) => action)).to.deep.equal(['report_fake_delivery'])
        expect(decisionsOf(world, customer)[0]).to.not.have.property('deferredDate')
        const { actions, conversation } = await timelineOf(world, id)
        expect(actions.map(({ action, attempts }) => [action, attempts])).to.deep.equal([['report_fake_delivery', 1]])
        expect(conversation).to.include({ state: 'decided', decision: 'report_fake_delivery', decisionValue: null })
        expect(await activityOf(world, id)).to.include.members([
          'Reattempt',
          'Select new delivery date',
          'Report fake delivery',
        ])
      }),
    )

    it(
      'may be changed within one and the same webhook',
      story(async (world, clock) => {
        const account_id = await anAccount(world, { flows })
        const { sent, customer, id } = await aFirstMessage(world, { account_id })
        const messages = ['Reattempt', 'Report fake delivery'].map((title) => aTapOn(sent, title, clock.now()))
        await postWebhook(world, aWebhook({ messages }))
        await settle(world)
        clock.advance(5)
        await until('it is pushed', () => decisionsOf(world, customer).length > 0)
        await settle(world)
        expect(decisionsOf(world, customer).map(({ action }) => action)).to.deep.equal(['report_fake_delivery'])
        const { actions, conversation } = await timelineOf(world, id)
        expect(actions).to.have.length(1)
        expect(conversation).to.include({ state: 'decided', decision: 'report_fake_delivery' })
      }),
    )

    it(
      'stands once it was pushed',
      story(async (world, clock) => {
        const { sent, customer } = await aDecision(world)
        clock.advance(5)
        await until('it is pushed', () => decisionsOf(world, customer).length > 0)
        const [answer] = await tap(world, sent, 'Report fake delivery')
        expect(answer?.text).to.include('can no longer be changed')
        expect(decisionsOf(world, customer).map(({ action }) => action)).to.deep.equal(['reattempt'])
      }),
    )

    it(
      'stands once the courier side may have heard of it, answer or not',
      story(async (world, clock) => {
        const { sent, customer, id } = await aDecision(world, { pushAfterMinutes: 0 })
        expect(decisionsOf(world, customer)).to.have.length(1)
        const second = await aFirstMessage(world, {
          account_id: (await timelineOf(world, id)).accountId,
          id: 71_000_001,
        })
        world.provider.scriptNdr({ mode: 'lost', next: 1 })
        await tap(world, second.sent, 'Reattempt')
        const [answer] = await tap(world, second.sent, 'Report fake delivery')
        expect(answer?.text).to.include('can no longer be changed')
        clock.advance(1)
        await until('it is taken', async () => (await timelineOf(world, second.id)).actions[0]?.state === 'taken')
        expect(decisionsOf(world, second.customer).map(({ action }) => action)).to.deep.equal(['reattempt'])
        expect(sent.to).to.not.equal(second.sent.to)
      }),
    )
  })

  describe(`a shipment that came to its end, on ${storage}`, () => {
    const world = sharedWorld({ storage })
    let nextShipment = 72_000_000
    const update = (shipment: number, eventSubType: string, account_id: number | string = 379) =>
      world().call<{ outcome: string; reason: string }>('POST', '/v1/events', {
        resource: 'shipment',
        eventSubType,
        response_data: { id: String(shipment), account_id },
      })

    const ends: [status: string, words: string][] = [
      ['delivered', 'reported this order as delivered'],
      ['Cancelled', 'has been cancelled'],
      ['RTO Initiated', 'on its way back'],
    ]
    for (const [status, words] of ends) {
      it(`by "${status}" is told honestly to whoever taps or writes, and nothing is decided`, async () => {
        const shipment = nextShipment++
        const { sent, customer, id } = await aFirstMessage(world(), { id: shipment })
        const { status: code, body } = await update(shipment, status)
        expect([code, body.outcome, body.reason]).to.deep.equal([202, 'skipped', 'shipment_ended'])
        const [answer] = await tap(world(), sent, 'Reattempt')
        expect(answer?.text).to.include(words)
        const [toWords, ...others] = await say(world(), customer, 'what?')
        expect([toWords?.text === answer?.text, others.length]).to.deep.equal([true, 0])
        expect(decisionsOf(world(), customer)).to.be.empty
        const closedBy = status.toLowerCase().replace(' ', '_')
        expect((await timelineOf(world(), id)).conversation).to.include({ state: 'closed', closedBy, decision: null })
      })
    }

    it('keeps the decision that was taken before', async () => {
      const shipment = nextShipment++
      const { sent, id } = await aFirstMessage(world(), { id: shipment })
      await tap(world(), sent, 'Reattempt')
      await update(shipment, 'delivered')
      const [answer] = await tap(world(), sent, 'Report fake delivery')
      expect(answer?.text).to.include('reported this order as delivered')
      expect((await timelineOf(world(), id)).conversation).to.include({ state: 'closed', decision: 'reattempt' })
    })

    it("leaves another account's shipment of the same number, and other updates, alone", async () => {
      const shipment = nextShipment++
      const { sent, customer } = await aFirstMessage(world(), { id: shipment })
      await update(shipment, 'delivered', 380)
      await update(shipment, 'out_for_delivery')
      await update(shipment + 500_000, 'delivered')
      await tap(world(), sent, 'Reattempt')
      expect(decisionsOf(world(), customer)).to.have.length(1)
    })

    it('sends typed words to a conversation that is open, though an ended one is newer', async () => {
      const open = await aFirstMessage(world(), { id: nextShipment++ })
      const shipment = nextShipment++
      await aFirstMessage(world(), { id: shipment, customer: open.customer })
      await update(shipment, 'delivered')
      const [choices] = await say(world(), open.customer, 'hello')
      expect(choices?.buttons.map(({ payload }) => payload)).to.deep.equal(
        open.sent.buttons.map(({ payload }) => payload),
      )
    })

    it('skips a first message that still waits', async () => {
      const shipment = nextShipment++
      const { id } = await aFirstMessage(world(), { id: shipment })
      await world().database.write(
        `UPDATE wa_outgoing_messages SET state = 'waiting', status_rank = 1, due_at = '2099-01-01 00:00:00.000' WHERE id = $1`,
        [id],
      )
      await update(shipment, 'delivered')
      expect(await timelineOf(world(), id)).to.include({ status: 'skipped' })
      expect((await timelineOf(world(), id)).failure?.code).to.equal('shipment_ended')
    })
  })
}
