import { expect } from 'chai'
import {
  aClock,
  activityOf,
  aFirstMessage,
  anAccount,
  anOwnConnection,
  answersTo,
  decisionsOf,
  http,
  inWorld,
  messagesTo,
  type NotifiedReason,
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

interface DecisionCase {
  readonly title: string
  readonly reason: NotifiedReason
  readonly action: string
  readonly thanks: string
}

const decisionCases: DecisionCase[] = [
  {
    title: 'Reattempt',
    reason: 'customer_unreachable',
    action: 'reattempt',
    thanks:
      'Thank you for your response. We have noted your request and will ask our courier partner to attempt the delivery of your order again.',
  },
  {
    title: 'Report fake delivery',
    reason: 'customer_unavailable',
    action: 'report_fake_delivery',
    thanks:
      'Thank you for letting us know, and sorry for the inconvenience. We are reporting this to our courier partner, who will look into it.',
  },
  {
    title: 'Cancel my order',
    reason: 'otp_cancellation',
    action: 'cancel',
    thanks: 'Thank you for your response. As requested by you we will cancel your order. Hope to see you again!',
  },
]

const alreadyNoted = /^Thank you\. We have already noted your earlier response/

/** Sends what another customer's button would send. */
const tapForeign = (world: World, phone: string, payload: string, phoneNumberId?: string) =>
  world.provider.send(
    phone,
    { type: 'button', button: { payload, text: 'Reattempt' } },
    phoneNumberId === undefined ? {} : { phoneNumberId },
  )

for (const storage of storages) {
  describe(`conversation on ${storage}`, () => {
    const world = sharedWorld({ storage, now: aClock(nightInIndia).now })

    it("offers the next three delivery dates of the account's time zone, without Sunday", async () => {
      const { sent } = await aFirstMessage(world())
      const [question, ...others] = await tap(world(), sent, 'Select new delivery date')
      expect(others).to.be.empty
      expect(question?.text).to.equal('Please select your preferred delivery date.')
      expect(question?.buttons.map(({ title }) => title)).to.deep.equal([
        '22 June 2026',
        '23 June 2026',
        '24 June 2026',
      ])
    })

    it('offers other dates where it is still Friday', async () => {
      const account_id = await anAccount(world(), { timezone: 'UTC' })
      const { sent } = await aFirstMessage(world(), { account_id })
      const [question] = await tap(world(), sent, 'Select new delivery date')
      expect(question?.buttons.map(({ title }) => title)).to.deep.equal([
        '20 June 2026',
        '22 June 2026',
        '23 June 2026',
      ])
    })

    it('pushes the date that was tapped to the courier side, in exactly the agreed form', async () => {
      const { customer, sent } = await aFirstMessage(world())
      const [question] = await tap(world(), sent, 'Select new delivery date')
      await tap(world(), question, '23 June 2026')
      const [{ idempotencyKey, remarks, ...decision } = {}, ...others] = decisionsOf(world(), customer)
      expect(others).to.be.empty
      expect(decision).to.deep.equal({
        source: 'whatsapp',
        accountSlug: 'acme-store',
        shipmentId: 17148471,
        trackingID: '1704612602165',
        externalShipmentID: '4980116095129-90758',
        action: 'reschedule',
        deferredDate: '23-06-2026',
        customerPhone: customer.phone,
        decidedAt: '2026-06-19T20:00:00.000Z',
      })
      expect(idempotencyKey).to.be.a('string').that.is.not.empty
      expect(remarks).to.be.a('string')
    })

    it('thanks for the date', async () => {
      const { sent } = await aFirstMessage(world())
      const [question] = await tap(world(), sent, 'Select new delivery date')
      const answers = await tap(world(), question, '22 June 2026')
      expect(answers.map(({ text }) => text)).to.deep.equal([
        'Thank you for your response. We have noted your request and will ask our courier partner to deliver your order on 22 June 2026.',
      ])
    })

    for (const { title, reason, action, thanks } of decisionCases) {
      it(`takes "${title}", thanks and pushes ${action}`, async () => {
        const { customer, sent, id } = await aFirstMessage(world(), { reason })
        const answers = await tap(world(), sent, title)
        expect(answers.map(({ text }) => text)).to.deep.equal([thanks])
        expect(decisionsOf(world(), customer).map((decision) => decision.action)).to.deep.equal([action])
        expect(decisionsOf(world(), customer)[0]).not.to.have.property('deferredDate')
        expect(await activityOf(world(), id)).to.include(title)
      })
    }

    for (const [title, linkTitle] of [
      ['Update address', 'Update address'],
      ['Add alternate number', 'Add number'],
    ]) {
      it(`answers "${title}" with a link that leads to the customer portal`, async () => {
        const { customer, sent } = await aFirstMessage(world(), { reason: 'address_issue' })
        const [answer] = await tap(world(), sent, title ?? '')
        const link = answer?.buttons[0]
        expect(link).to.include({ kind: 'link', title: linkTitle })
        const { status, headers } = await http(world(), 'GET', new URL(link?.payload ?? '').pathname)
        expect(status).to.equal(302)
        expect(headers.location).to.equal(`${world().provider.url}/portal/1704612602165?source=whatsapp`)
        expect(decisionsOf(world(), customer), 'nothing is decided yet').to.be.empty
      })
    }

    it("leads to the account's own portal when it has one", async () => {
      const account_id = await anAccount(world(), { portalUrl: 'https://track.acme.example/orders/' })
      const { sent } = await aFirstMessage(world(), { reason: 'address_issue', account_id })
      const [answer] = await tap(world(), sent, 'Update address')
      const { headers } = await http(world(), 'GET', new URL(answer?.buttons[0]?.payload ?? '').pathname)
      expect(headers.location).to.equal('https://track.acme.example/orders/1704612602165?source=whatsapp')
    })

    it('knows no other links', async () => {
      const { sent } = await aFirstMessage(world())
      const reference = sent.reference?.split('.')[0]
      for (const token of ['AAAAAAAAAAAAAAAAAAAAAA', 'x', '..%2f..%2fetc', '%27%20OR%201=1', reference]) {
        expect((await http(world(), 'GET', `/track/whatsapp/${token}`)).status, token).to.equal(404)
      }
    })

    it('lets a customer who used a link still decide', async () => {
      const { customer, sent } = await aFirstMessage(world(), { reason: 'address_issue' })
      await tap(world(), sent, 'Update address')
      await tap(world(), sent, 'Cancel my order')
      expect(decisionsOf(world(), customer).map(({ action }) => action)).to.deep.equal(['cancel'])
    })

    it('answers typed words with the choices, which can be tapped like the first ones', async () => {
      const { customer, sent } = await aFirstMessage(world())
      const [choices] = await say(world(), customer, 'Why so late??')
      expect(choices?.text).to.include('cannot answer typed messages here')
      expect(choices?.buttons.map(({ payload }) => payload)).to.deep.equal(sent.buttons.map(({ payload }) => payload))
      await tap(world(), choices, 'Reattempt')
      expect(decisionsOf(world(), customer).map(({ action }) => action)).to.deep.equal(['reattempt'])
    })

    it('records every typed word and answers a burst of them once', async () => {
      const { customer, id } = await aFirstMessage(world())
      const answers = await answersTo(world(), customer, async () => {
        for (const text of ['Hello', 'anybody there?', 'नमस्ते 🙏']) await world().provider.say(customer.phone, text)
      })
      expect(answers).to.have.length(1)
      const { replies } = await timelineOf(world(), id)
      expect(replies.map(({ value }) => value)).to.deep.equal(['Hello', 'anybody there?', 'नमस्ते 🙏'])
      expect((await activityOf(world(), id)).filter((type) => type === 'customer_reply')).to.have.length(3)
    })

    it('records pictures, places and reactions, and asks for words only where there are some', async () => {
      const { customer, id } = await aFirstMessage(world())
      const sendAll = async () => {
        await world().provider.send(customer.phone, {
          type: 'reaction',
          reaction: { message_id: 'wamid.x', emoji: '👍' },
        })
        await world().provider.send(customer.phone, { type: 'unsupported', errors: [{ code: 131051 }] })
      }
      expect(await answersTo(world(), customer, sendAll)).to.be.empty
      const location = { latitude: 26.45, longitude: 74.64 }
      const sendPlace = () => world().provider.send(customer.phone, { type: 'location', location })
      expect(await answersTo(world(), customer, sendPlace)).to.have.length(1)
      const { replies } = await timelineOf(world(), id)
      expect(replies.map(({ type, value }) => [type, value])).to.deep.include(['location', '26.45,74.64'])
    })

    it('understands a tap that does not say which message it answers, by its payload', async () => {
      const { customer, sent, id } = await aFirstMessage(world())
      await aFirstMessage(world(), { customer, reason: 'otp_cancellation' })
      await tap(world(), sent, 'Reattempt', { withoutContext: true })
      expect(decisionsOf(world(), customer)).to.have.length(1)
      const { actions, replies } = await timelineOf(world(), id)
      expect(
        actions.map(({ action }) => action),
        'the older conversation is the one meant',
      ).to.deep.equal(['reattempt'])
      expect(replies.map(({ contextId }) => contextId)).to.deep.equal([null])
    })

    it('takes the first of two taps, and says to the second that it has been noted', async () => {
      const { customer, sent } = await aFirstMessage(world())
      await tap(world(), sent, 'Reattempt')
      const [answer] = await tap(world(), sent, 'Report fake delivery')
      expect(answer?.text).to.match(alreadyNoted)
      expect(decisionsOf(world(), customer).map(({ action }) => action)).to.deep.equal(['reattempt'])
    })

    it('makes one decision and one call of taps that come together', async () => {
      const { customer, sent, id } = await aFirstMessage(world())
      const titles = ['Reattempt', 'Report fake delivery', 'Reattempt', 'Report fake delivery']
      const answers = await answersTo(world(), customer, () =>
        Promise.all(titles.map((title) => world().provider.tap(sent.wamid, { title }))),
      )
      await until('all taps are answered', () => messagesTo(world(), customer).length === 5)
      await settle(world())
      expect(decisionsOf(world(), customer)).to.have.length(1)
      expect((await timelineOf(world(), id)).actions.map(({ attempts }) => attempts)).to.deep.equal([1])
      const texts = messagesTo(world(), customer).map(({ text }) => text ?? '')
      expect(
        texts.filter((text) => alreadyNoted.test(text)),
        String(answers.length),
      ).to.have.length(3)
    })

    it('takes a tap whose webhook is repeated as one tap', async () => {
      const { customer, sent, id } = await aFirstMessage(world())
      expect(await tap(world(), sent, 'Reattempt', { duplicates: 4 })).to.have.length(1)
      const { replies, actions } = await timelineOf(world(), id)
      expect([replies.length, actions.length, decisionsOf(world(), customer).length]).to.deep.equal([1, 1, 1])
    })

    it('answers whoever writes after the decision that it has been noted', async () => {
      const { customer, sent } = await aFirstMessage(world())
      await tap(world(), sent, 'Reattempt')
      const [answer] = await say(world(), customer, 'thanks')
      expect(answer?.text).to.match(alreadyNoted)
    })

    it("keeps one customer's taps out of another customer's order", async () => {
      const theirs = await aFirstMessage(world())
      const mine = await aFirstMessage(world())
      const payload = theirs.sent.buttons[1]?.payload ?? ''
      const heard = await answersTo(world(), theirs.customer, () => tapForeign(world(), mine.customer.phone, payload))
      expect(heard).to.be.empty
      expect(decisionsOf(world(), theirs.customer)).to.be.empty
      await tap(world(), theirs.sent, 'Report fake delivery')
      expect(decisionsOf(world(), theirs.customer).map(({ action }) => action)).to.deep.equal(['report_fake_delivery'])
    })

    it("takes another conversation's button for nothing but a reply", async () => {
      const theirs = await aFirstMessage(world())
      const { customer, sent, id } = await aFirstMessage(world())
      const button = { payload: theirs.sent.buttons[1]?.payload, text: 'Reattempt' }
      await answersTo(world(), customer, () =>
        world().provider.send(customer.phone, { type: 'button', button }, { contextMessageId: sent.wamid }),
      )
      expect(decisionsOf(world(), theirs.customer).concat(decisionsOf(world(), customer))).to.be.empty
      expect((await timelineOf(world(), id)).replies).to.have.length(1)
    })

    it("keeps taps on one connection out of another connection's conversations", async () => {
      const { customer, sent, id } = await aFirstMessage(world())
      const { phoneNumberId } = await anOwnConnection(world())
      const payload = sent.buttons[1]?.payload ?? ''
      const heard = await answersTo(world(), customer, () =>
        tapForeign(world(), customer.phone, payload, phoneNumberId),
      )
      expect(heard).to.be.empty
      expect((await timelineOf(world(), id)).replies).to.be.empty
      expect(decisionsOf(world(), customer)).to.be.empty
    })

    it('only notes a button that is none of ours', async () => {
      const { customer, sent, id } = await aFirstMessage(world())
      const reference = sent.reference?.split('.')[0]
      const payloads = ['buy_now', `g1.${reference}.no_such_action`, `g1.${reference}.reschedule.2026-06-21`, '']
      for (const payload of payloads) {
        await answersTo(world(), customer, () =>
          world().provider.send(
            customer.phone,
            { type: 'button', button: { payload, text: 'x' } },
            { contextMessageId: sent.wamid },
          ),
        )
      }
      expect(decisionsOf(world(), customer)).to.be.empty
      expect((await timelineOf(world(), id)).replies).to.have.length(payloads.length)
    })

    it('keeps context and root of every reply', async () => {
      const { sent, id } = await aFirstMessage(world())
      const [question] = await tap(world(), sent, 'Select new delivery date')
      await tap(world(), question, '23 June 2026')
      const [asked] = (await timelineOf(world(), id)).followUps
      const rows = await world().rows(`SELECT customer_reply_type AS type, customer_reply_value AS value,
        button_reply_id AS button, context_message_id AS answered, wa_context_outgoing_message_id AS context,
        wa_root_outgoing_message_id AS root FROM wa_customer_reply_messages
        WHERE wa_root_outgoing_message_id = ${id} ORDER BY id`)
      const payloadOf = (message: typeof question, title: string) =>
        message?.buttons.find((button) => button.title === title)?.payload
      expect(rows.map((row) => ({ ...row, context: String(row.context), root: String(row.root) }))).to.deep.equal([
        {
          type: 'button',
          value: 'Select new delivery date',
          button: payloadOf(sent, 'Select new delivery date'),
          answered: sent.wamid,
          context: id,
          root: id,
        },
        {
          type: 'button_reply',
          value: '23 June 2026',
          button: payloadOf(question, '23 June 2026'),
          answered: question?.wamid,
          context: asked?.id,
          root: id,
        },
      ])
    })

    it('links every answer of ours to the first message', async () => {
      const { sent, id } = await aFirstMessage(world())
      const [question] = await tap(world(), sent, 'Select new delivery date')
      await tap(world(), question, '23 June 2026')
      const rows = await world().rows<{ root_message_id: string }>(
        `SELECT root_message_id FROM wa_outgoing_messages WHERE root_outgoing_message_id = ${id}`,
      )
      expect(rows.map((row) => row.root_message_id)).to.deep.equal([sent.wamid, sent.wamid])
    })

    it('speaks the language of the first message to the end', async () => {
      const account_id = await anAccount(world(), { languages: ['hi'] })
      const { sent } = await aFirstMessage(world(), { account_id })
      const [question] = await tap(world(), sent, 'डिलीवरी की नई तारीख चुनें')
      expect(question?.buttons[0]?.title).to.equal('22 जून 2026')
      const [thanks] = await tap(world(), question, '22 जून 2026')
      expect(thanks?.text).to.include('22 जून 2026')
    })
  })

  describe(`conversation as time goes by, on ${storage}`, () => {
    const story = (tell: (world: World, clock: ReturnType<typeof aClock>) => Promise<void>) => () => {
      const clock = aClock(nightInIndia)
      return inWorld({ storage, now: clock.now }, (world) => tell(world, clock))
    }

    it(
      'puts the choices again to somebody who writes again later',
      story(async (world, clock) => {
        const { customer } = await aFirstMessage(world)
        expect(await say(world, customer, 'Hello')).to.have.length(1)
        expect(await say(world, customer, 'Hello?')).to.have.length(0)
        clock.advance(11)
        expect(await say(world, customer, 'Hello??')).to.have.length(1)
      }),
    )

    it(
      'says honestly that a tap comes too late, and decides nothing',
      story(async (world, clock) => {
        const { customer, sent } = await aFirstMessage(world)
        clock.advance(8 * 24 * 60)
        const [answer] = await tap(world, sent, 'Reattempt')
        expect(answer?.text).to.include('can no longer be applied')
        expect(decisionsOf(world, customer)).to.be.empty
      }),
    )

    it(
      'asks again when the date that is tapped has passed',
      story(async (world, clock) => {
        const { customer, sent } = await aFirstMessage(world)
        const [question] = await tap(world, sent, 'Select new delivery date')
        clock.advance(3 * 24 * 60)
        const [again] = await tap(world, question, '22 June 2026')
        expect(again?.buttons.map(({ title }) => title)).to.deep.equal(['24 June 2026', '25 June 2026', '26 June 2026'])
        expect(decisionsOf(world, customer)).to.be.empty
        await tap(world, again, '25 June 2026')
        expect(decisionsOf(world, customer).map(({ deferredDate }) => deferredDate)).to.deep.equal(['25-06-2026'])
      }),
    )

    it(
      'keeps a decision while the courier side is down, and pushes it once afterwards',
      story(async (world, clock) => {
        const { customer, sent, id } = await aFirstMessage(world)
        world.provider.scriptNdr({ mode: 'down' })
        const answers = await tap(world, sent, 'Reattempt')
        expect(answers, 'the customer is thanked all the same').to.have.length(1)
        expect((await timelineOf(world, id)).actions[0]?.state).to.equal('pending')
        world.provider.scriptNdr({ mode: 'ok' })
        clock.advance(1)
        await until('the decision is pushed', () => decisionsOf(world, customer).length === 1)
        await until('that is written down', async () => (await timelineOf(world, id)).actions[0]?.state === 'taken')
        expect(world.provider.ndr().map(({ calls }) => calls)).to.deep.equal([1])
      }),
    )

    it(
      'repeats a decision under the same key when the answer to it was lost',
      story(async (world, clock) => {
        const { sent, id } = await aFirstMessage(world)
        world.provider.scriptNdr({ mode: 'lost', next: 1 })
        await tap(world, sent, 'Reattempt')
        clock.advance(1)
        await until(
          'the decision is known as taken',
          async () => (await timelineOf(world, id)).actions[0]?.state === 'taken',
        )
        expect(world.provider.ndr().map(({ calls }) => calls)).to.deep.equal([2])
      }),
    )

    it(
      'shows a decision that the courier side refused, and does not repeat it',
      story(async (world, clock) => {
        const { sent, id } = await aFirstMessage(world)
        world.provider.scriptNdr({ mode: 'refuse' })
        await tap(world, sent, 'Reattempt')
        clock.advance(24 * 60)
        const [action] = (await timelineOf(world, id)).actions
        expect(action).to.include({ action: 'reattempt', state: 'refused', attempts: 1, responseStatus: 422 })
        expect(action?.response).to.include('shipment is already delivered')
        expect(await world.rows('SELECT due_at FROM ndr_actions')).to.deep.equal([{ due_at: null }])
        expect(world.provider.ndrCalls()).to.have.length(1)
      }),
    )

    it('keeps decisions where there is no courier side to push them to', () =>
      inWorld({ storage, env: { NDR_API_URL: '' } }, async (world) => {
        const { sent, id } = await aFirstMessage(world)
        await world.provider.tap(sent.wamid, { title: 'Reattempt' })
        await until('the thanks', () => world.provider.stats().accepted === 2)
        expect((await timelineOf(world, id)).actions[0]).to.include({ action: 'reattempt', state: 'pending' })
      }))
  })
}
