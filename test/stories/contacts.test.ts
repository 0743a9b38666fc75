import { expect } from 'chai'
import {
  aChange,
  aClock,
  aCustomer,
  activityOf,
  aFirstMessage,
  answersTo,
  aSilentMessage,
  aStatus,
  aWebhook,
  type Customer,
  decisionsOf,
  deliver,
  eventFor,
  inWorld,
  messagesTo,
  requestsFor,
  say,
  settle,
  sharedWorld,
  storages,
  tap,
  tell,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

interface ContactRow {
  readonly user_id: string | null
  readonly former_phone: string | null
  readonly last_inbound_at: string | null
}

const contactOf = async (world: World, { phone }: Customer): Promise<ContactRow | undefined> =>
  (await world.rows<ContactRow>(`SELECT * FROM wa_contacts WHERE phone = '${phone}'`))[0]

/** What a customer's phone said to the platform's account about marketing. */
const wishOf = async (world: World, { phone }: Customer): Promise<[isWanted: number, by: string] | undefined> => {
  const [row] = await world.rows<{ is_wanted: number; changed_by: string }>(
    `SELECT is_wanted, changed_by FROM wa_consents
     WHERE address = '${phone}' AND account_id = 5 AND topic = 'marketing'`,
  )
  return row && [row.is_wanted, row.changed_by]
}

let nextId = 1
/** A message of a customer as a webhook tells it. */
const aMessage = (from: object, more: object): object => ({
  ...from,
  id: `wamid.OWN${nextId++}`,
  timestamp: String(Math.floor(Date.now() / 1000)),
  ...more,
})
const text = (body: string) => ({ type: 'text', text: { body } })

/** Tells that the provider counts a template as marketing. */
const asMarketing = (name: string) =>
  aChange('template_category_update', {
    message_template_id: 650000000000001,
    message_template_name: name,
    message_template_language: 'en',
    previous_category: 'UTILITY',
    new_category: 'MARKETING',
  })

const preference = ({ waId }: Customer, value: string, timestamp: number) =>
  aChange('user_preferences', {
    user_preferences: [{ wa_id: waId, category: 'marketing_messages', value, timestamp, detail: 'x' }],
  })

for (const storage of storages) {
  describe(`customers' addresses on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('remembers phone, user id, name and time of whoever writes', async () => {
      const { customer, sent } = await aFirstMessage(world())
      await tap(world(), sent, 'Reattempt')
      const contact = await contactOf(world(), customer)
      expect(contact?.user_id).to.be.a('string').that.contains(customer.waId)
      expect(contact?.last_inbound_at).to.be.a('string')
    })

    it('knows a customer who hides the phone by the user id, and answers there', async () => {
      const { customer, sent, id } = await aFirstMessage(world())
      const from_user_id = `IN.2${customer.waId}`
      const button = { payload: sent.buttons[0]?.payload, text: 'Select new delivery date' }
      const context = { id: sent.wamid, from: '911140001234' }
      await tell(world(), aWebhook({ messages: [aMessage({ from_user_id }, { type: 'button', button, context })] }))
      expect((await contactOf(world(), customer))?.user_id, 'learnt from what was answered').to.equal(from_user_id)
      const heard = await answersTo(world(), customer, () =>
        tell(world(), aWebhook({ messages: [aMessage({ from_user_id }, text('hello?'))] })),
      )
      expect(heard.map(({ type }) => type)).to.deep.equal(['interactive'])
      const { replies, followUps } = await timelineOf(world(), id)
      expect(replies.map(({ value }) => value)).to.deep.equal(['Select new delivery date', 'hello?'])
      expect(followUps).to.have.length(2)
    })

    it('answers a customer of whom only the user id is known', async () => {
      const { sent, id } = await aFirstMessage(world())
      const userId = `IN.7${sent.to}`
      await world().database.write(
        'UPDATE wa_outgoing_messages SET customer_phone = NULL, customer_user_id = $1 WHERE id = $2',
        [userId, id],
      )
      await tell(world(), aWebhook({ messages: [aMessage({ from_user_id: userId }, text('who are you?'))] }))
      const bodies = world()
        .provider.requests()
        .map(({ body }) => body as Record<string, unknown>)
      expect(bodies.at(-1)).to.include({ recipient: userId, type: 'interactive' }).and.not.to.have.property('to')
      expect((await timelineOf(world(), id)).replies.map(({ value }) => value)).to.deep.equal(['who are you?'])
    })

    it('follows a customer to a new number: conversation, window and what still waits', async () => {
      const { customer, sent, id } = await aFirstMessage(world())
      await tap(world(), sent, 'Select new delivery date')
      const moved = aCustomer()
      const system = {
        type: 'user_changed_number',
        body: 'User changed',
        wa_id: moved.waId,
        user_id: `IN.9${moved.waId}`,
      }
      await tell(world(), aWebhook({ messages: [aMessage({ from: customer.waId }, { type: 'system', system })] }))
      expect(await contactOf(world(), customer)).to.equal(undefined)
      expect(await contactOf(world(), moved)).to.include({ former_phone: customer.phone, user_id: `IN.9${moved.waId}` })
      world().provider.openWindow(moved.phone)
      const [choices] = await answersTo(world(), moved, () =>
        tell(world(), aWebhook({ messages: [aMessage({ from: moved.waId }, text('new phone, who dis'))] })),
      )
      expect(choices?.buttons).to.have.length(3)
      await tap(world(), choices, 'Reattempt')
      expect((await timelineOf(world(), id)).actions.map(({ action }) => action)).to.deep.equal(['reattempt'])
      expect((await activityOf(world(), id)).filter((type) => type === 'customer_reply')).to.have.length(2)
    })

    it('sends what waits for a customer to the new number', async () => {
      const customer = aCustomer()
      const moved = aCustomer()
      world().provider.addRule({ phone: customer.phone, next: 1, error: { http: 400, code: 131056 } })
      const { message } = await deliver(world(), eventFor(customer))
      await until('it waits', async () => (await timelineOf(world(), message?.id)).state === 'waiting')
      const system = { type: 'user_changed_number', body: 'x', wa_id: moved.waId }
      await tell(world(), aWebhook({ messages: [aMessage({ from: customer.waId }, { type: 'system', system })] }))
      const [row] = await world().rows<{ customer_phone: string }>(
        `SELECT customer_phone FROM wa_outgoing_messages WHERE id = ${message?.id}`,
      )
      expect(row?.customer_phone).to.equal(moved.phone)
    })

    it('follows a new user id', async () => {
      const { customer, sent } = await aFirstMessage(world())
      await tap(world(), sent, 'Select new delivery date')
      const before = (await contactOf(world(), customer))?.user_id
      const user_id = { previous: before, current: 'IN.NEW1' }
      const update = aChange('user_id_update', {
        user_id_update: [{ wa_id: customer.waId, user_id, timestamp: '1790000400' }],
      })
      for (let times = 0; times < 2; times++) await tell(world(), update)
      expect((await contactOf(world(), customer))?.user_id).to.equal('IN.NEW1')
      await tell(world(), aWebhook({ messages: [aMessage({ from_user_id: 'IN.NEW1' }, text('still me'))] }))
      expect((await world().rows('SELECT id FROM wa_contact_news')).length, 'repeated news are one').to.be.at.least(1)
      const [reply] = await world().rows<{ root: number | null }>(
        `SELECT wa_root_outgoing_message_id AS root FROM wa_customer_reply_messages WHERE customer_reply_value = 'still me'`,
      )
      expect(reply?.root).to.be.a('number')
    })
  })

  describe(`replies without a conversation on ${storage}`, () => {
    const story = (tell: (world: World, clock: ReturnType<typeof aClock>) => Promise<void>) => () => {
      const clock = aClock('2026-06-19T20:00:00Z')
      return inWorld({ storage, now: clock.now }, (world) => tell(world, clock))
    }
    const looked = (world: World, tries: number) =>
      until(`${tries} looks`, async () => {
        const rows = await world.rows<{ tries: number }>('SELECT MIN(tries) AS tries FROM wa_customer_reply_messages')
        return Number(rows[0]?.tries) >= tries
      })
    const activityIn = async (world: World) =>
      (await world.rows<{ payload: string }>('SELECT payload FROM activity_events ORDER BY id'))
        .map(({ payload }) => JSON.parse(payload))
        .filter(({ eventSubType }) => eventSubType === 'customer_reply')

    it(
      'are announced once, as what they are',
      story(async (world, clock) => {
        await world.call('PUT', '/v1/accounts/5/settings', { accountSlug: 'platform', isWhatsappEnabled: true })
        const customer = aCustomer()
        await world.provider.say(customer.phone, 'Is this the shop?')
        await looked(world, 1)
        expect(await activityIn(world), 'not at once: its message may turn up').to.be.empty
        for (let tries = 2; tries <= 3; tries++) {
          clock.advance(1)
          await looked(world, tries)
        }
        clock.advance(7 * 24 * 60)
        await settle(world)
        const [event, ...others] = await activityIn(world)
        expect(others).to.be.empty
        expect(event).to.deep.include({ accountSlug: 'platform', actor: 'Asha Nair' })
        expect(event.response_data).to.deep.include({
          account_id: 5,
          vendorOrderNumber: '',
          order_id: null,
          from: customer.waId,
          to: '911140001234',
          customerContactNumber: customer.waId,
        })
        expect(event.response_data).to.not.have.property('isRootMessage')
        expect(messagesTo(world, customer)).to.be.empty
        expect(await world.rows('SELECT due_at FROM wa_customer_reply_messages')).to.deep.equal([{ due_at: null }])
      }),
    )

    it(
      'do not go to a conversation that begins later',
      story(async (world, clock) => {
        const customer = aCustomer()
        await world.provider.say(customer.phone, 'hello')
        await looked(world, 1)
        clock.advance(3)
        await looked(world, 2)
        const { id } = await aFirstMessage(world, { customer })
        clock.advance(3)
        await looked(world, 3)
        expect((await timelineOf(world, id)).replies).to.be.empty
        expect(messagesTo(world, customer), 'the first message alone').to.have.length(1)
      }),
    )

    it(
      'are linked when their message turns up, without being announced or answered again',
      story(async (world, clock) => {
        const { customer, id, sent } = await aSilentMessage(world)
        await world.database.write('UPDATE wa_outgoing_messages SET message_id = NULL WHERE id = $1', [id])
        await world.provider.send(customer.phone, text('yes please'), { contextMessageId: sent.wamid })
        for (let tries = 1; tries <= 3; tries++) {
          await looked(world, tries)
          clock.advance(1)
        }
        await until('it is announced', async () => (await activityIn(world)).length === 1)
        await tell(world, aWebhook({ statuses: [aStatus(sent, 'delivered')] }))
        clock.advance(60)
        await until('it is linked', async () => (await timelineOf(world, id)).replies.length === 1)
        expect(await activityIn(world)).to.have.length(1)
        expect(messagesTo(world, customer)).to.have.length(1)
      }),
    )

    it(
      'may be reactions, edits, deletions and notes of the provider: recorded, never answered',
      story(async (world) => {
        const { customer, id, sent } = await aFirstMessage(world)
        const said: object[] = [
          { type: 'reaction', reaction: { message_id: sent.wamid, emoji: '👍' } },
          { type: 'edit', edit: { original_message_id: sent.wamid, message: { type: 'text', text: { body: 'new' } } } },
          { type: 'revoke', revoke: { original_message_id: sent.wamid } },
          { type: 'system', system: { type: 'customer_identity_changed', body: 'Security code changed' } },
        ]
        const heard = await answersTo(world, customer, () =>
          tell(
            world,
            aWebhook({
              messages: said.map((one, second) =>
                aMessage({ from: customer.waId }, { ...one, timestamp: String(1_780_000_000 + second) }),
              ),
            }),
          ),
        )
        expect(heard).to.be.empty
        const { replies } = await timelineOf(world, id)
        expect(replies.map(({ type, value }) => [type, value])).to.deep.equal([
          ['reaction', '👍'],
          ['edit', 'new'],
          ['revoke', null],
          ['system', 'Security code changed'],
        ])
        const published = (await activityOf(world, id)).filter((type) => type === 'customer_reply')
        expect(published, 'what the provider notes is no word of the customer').to.have.length(3)
        expect(await contactOf(world, customer), 'a sign opens no window').to.equal(undefined)
      }),
    )
  })

  describe(`a person on the business phone, on ${storage}`, () => {
    const clock = aClock('2026-06-19T20:00:00Z')
    const world = sharedWorld({ storage, now: clock.now })
    const writes = ({ waId }: Customer, body: string) =>
      tell(
        world(),
        aChange('smb_message_echoes', {
          message_echoes: [
            aMessage(
              { from: '911140001234', to: waId },
              { ...text(body), timestamp: String(clock.now().getTime() / 1000) },
            ),
          ],
        }),
      )

    it('is never taken for the customer, and shown in the conversation', async () => {
      const { customer, id } = await aFirstMessage(world())
      await writes(customer, 'Hello Asha, this is Ravi from the shop.')
      const { replies, humanMessages } = await timelineOf(world(), id)
      expect(replies).to.be.empty
      expect(humanMessages.map(({ type, value }) => [type, value])).to.deep.equal([
        ['text', 'Hello Asha, this is Ravi from the shop.'],
      ])
      expect((await activityOf(world(), id)).filter((type) => type === 'customer_reply')).to.be.empty
      expect((await contactOf(world(), customer))?.last_inbound_at, 'opens no window').to.equal(null)
    })

    it('is not talked over; taps are taken all the same', async () => {
      const { customer, sent, id } = await aFirstMessage(world())
      await writes(customer, 'I am looking into it.')
      expect(await say(world(), customer, 'thank you Ravi')).to.be.empty
      const [question, ...others] = await tap(world(), sent, 'Select new delivery date')
      expect([question?.buttons.length, others.length], 'what a tap needs to go on is said').to.deep.equal([3, 0])
      expect(await tap(world(), question, question?.buttons[0]?.title ?? ''), 'no thanks').to.be.empty
      expect(decisionsOf(world(), customer).map(({ action }) => action)).to.deep.equal(['reschedule'])
      expect((await timelineOf(world(), id)).replies).to.have.length(3)
    })

    it('leaves the conversation to us again after some hours', async () => {
      const { customer } = await aFirstMessage(world())
      await writes(customer, 'I am looking into it.')
      clock.advance(4 * 60 - 1)
      expect(await say(world(), customer, 'hello?')).to.be.empty
      clock.advance(1)
      expect(await say(world(), customer, 'hello??')).to.have.length(1)
    })
  })

  describe(`marketing on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const reason = 'open_delivery'
    before(() => tell(world(), asMarketing(`fdr_${reason}`)))

    it('is not sent to whoever asked for none, before any call; other messages are', async () => {
      const customer = aCustomer()
      await tell(world(), preference(customer, 'stop', 1_790_000_600))
      const skipped = await deliver(world(), eventFor(customer, { reason }))
      expect([skipped.outcome, skipped.reason]).to.deep.equal(['skipped', 'recipient_opted_out'])
      expect(requestsFor(world(), customer)).to.be.empty
      expect((await deliver(world(), eventFor(customer, { reason: 'otp_cancellation' }))).outcome).to.equal('queued')
    })

    it('is sent again when that is taken back, whatever the order of the news', async () => {
      const customer = aCustomer()
      await tell(world(), preference(customer, 'resume', 1_790_000_700))
      await tell(world(), preference(customer, 'stop', 1_790_000_600))
      expect(await wishOf(world(), customer)).to.deep.equal([1, 'preference'])
      expect((await deliver(world(), eventFor(customer, { reason }))).outcome).to.equal('queued')
    })

    it('ends for a customer when the provider refuses it for their sake', async () => {
      const customer = aCustomer()
      world().provider.addRule({ phone: customer.phone, next: 1, error: { http: 400, code: 131050 } })
      await deliver(world(), eventFor(customer, { reason }))
      const wish = await until('it is known', () => wishOf(world(), customer))
      expect(wish).to.deep.equal([0, 'refusal'])
      expect((await deliver(world(), eventFor(customer, { reason }))).outcome).to.equal('skipped')
      expect((await deliver(world(), eventFor(customer))).outcome).to.equal('queued')
    })

    it('ends for a customer when it is reported as failed for their sake', async () => {
      const customer = aCustomer()
      world().provider.addRule({ phone: customer.phone, next: 1, webhooks: { failCode: 131050 } })
      await aFirstMessage(world(), { customer, reason })
      expect(await wishOf(world(), customer)).to.deep.equal([0, 'refusal'])
      expect((await deliver(world(), eventFor(customer, { reason }))).outcome).to.equal('skipped')
    })

    it('that waits is not sent any more once the customer has asked for none', async () => {
      const customer = aCustomer()
      world().provider.addRule({ phone: customer.phone, next: 1, error: { http: 503, code: 131016 } })
      world().provider.addRule({ phone: customer.phone, next: 1, error: { http: 400, code: 131056 } })
      const { message } = await deliver(world(), eventFor(customer, { reason }))
      await settle(world())
      await tell(world(), preference(customer, 'stop', 1_790_000_600))
      const asked = requestsFor(world(), customer).length
      await world().database.write(
        `UPDATE wa_outgoing_messages SET state = 'waiting', status_rank = 1, due_at = '2026-01-01 00:00:00.000' WHERE id = $1`,
        [message?.id ?? ''],
      )
      await until('it ended', async () => (await timelineOf(world(), message?.id)).status === 'skipped')
      expect((await timelineOf(world(), message?.id)).failure?.code).to.equal('recipient_opted_out')
      expect(requestsFor(world(), customer)).to.have.length(asked)
    })
  })
}
