import { expect } from 'chai'
import type { Rule } from '../../src/providers/simulator/inputs.ts'
import {
  aClock,
  aCustomer,
  activityOf,
  anAccount,
  aSilentMessage,
  aStatus,
  aWebhook,
  type Customer,
  deliver,
  eventFor,
  inWorld,
  messagesTo,
  postWebhook,
  requestsFor,
  settle,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

interface DelayCase {
  readonly label: string
  readonly error: NonNullable<Rule['error']>
  readonly failure: string
}

/** Answers that prove that nothing was sent, and say that it may be tried again. */
const delayCases: DelayCase[] = [
  { label: 'throttles the number', error: { code: 130429 }, failure: 'connection_throttled' },
  { label: 'throttles the recipient', error: { code: 131056 }, failure: 'recipient_throttled' },
  { label: 'answers 429 without a code', error: { http: 429 }, failure: 'connection_throttled' },
]

interface DoubtCase {
  readonly label: string
  readonly answer: NonNullable<Rule['answer']>
  readonly failure: string
}

/** Answers after which nobody knows whether the message was taken. */
const doubtCases: DoubtCase[] = [
  { label: 'answers 502', answer: 'bad_gateway', failure: 'provider_error' },
  { label: 'breaks off', answer: 'reset', failure: 'no_answer' },
  { label: 'answers 200 without an id', answer: 'no_id', failure: 'answer_unreadable' },
  { label: 'answers 200 with half a body', answer: 'garbage', failure: 'answer_unreadable' },
]

/** Delivers an event to a customer whose next message meets a rule. */
async function meet(world: World, customer: Customer, rule: Rule, changes: Record<string, unknown> = {}) {
  world.provider.addRule({ phone: customer.phone, ...rule })
  const { message } = await deliver(world, eventFor(customer, changes))
  await settle(world)
  return message?.id ?? ''
}

for (const storage of storages) {
  describe(`when a send fails, on ${storage}`, () => {
    const story = (tell: (world: World, clock: ReturnType<typeof aClock>) => Promise<void>) => () => {
      const clock = aClock(new Date().toISOString())
      return inWorld({ storage, now: clock.now }, (world) => tell(world, clock))
    }

    for (const { label, error, failure } of delayCases) {
      it(
        `waits and sends once when the provider ${label}`,
        story(async (world, clock) => {
          const customer = aCustomer()
          const id = await meet(world, customer, { next: 1, error })
          expect(await timelineOf(world, id)).to.deep.include({ state: 'waiting', status: 'queued' })
          expect((await timelineOf(world, id)).failure?.code).to.equal(failure)
          clock.advance(1)
          await until('the message is sent', () => messagesTo(world, customer).length === 1)
          await settle(world)
          const { status, attempts } = await timelineOf(world, id)
          expect(status).to.equal('read')
          expect((await timelineOf(world, id)).failure).to.equal(null)
          expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['refused', 'accepted'])
          expect(await activityOf(world, id)).not.to.include('failed')
        }),
      )
    }

    it(
      'waits as long as the provider asks for',
      story(async (world, clock) => {
        const customer = aCustomer()
        const id = await meet(world, customer, { next: 1, error: { code: 130429, http: 429, retryAfterS: 600 } })
        clock.advance(9)
        expect(await world.rows(dueBefore(clock.now()))).to.be.empty
        clock.advance(2)
        expect(await world.rows(dueBefore(clock.now()))).to.have.length(1)
        expect((await timelineOf(world, id)).failure?.code).to.equal('connection_throttled')
      }),
    )

    it('waits while the provider cannot be reached', () =>
      inWorld({ storage, env: { META_BASE_URL: 'http://127.0.0.1:9' } }, async (world) => {
        const { message } = await deliver(world, eventFor(aCustomer()))
        await settle(world)
        const { state, failure, attempts } = await timelineOf(world, message?.id)
        expect({ state, code: failure?.code }).to.deep.equal({ state: 'waiting', code: 'connection_unreachable' })
        expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['refused'])
      }))

    it(
      'gives up a message that waited until it was of no use',
      story(async (world, clock) => {
        const customer = aCustomer()
        const id = await meet(world, customer, { error: { code: 130429 } })
        clock.advance(13 * 60)
        await until('it is given up', async () => (await timelineOf(world, id)).status === 'expired')
        expect(messagesTo(world, customer)).to.be.empty
        expect(await activityOf(world, id)).to.deep.equal(['failed'])
      }),
    )

    it(
      'fails at once, and says why, when the recipient cannot be reached',
      story(async (world) => {
        const customer = aCustomer()
        const id = await meet(world, customer, { error: { code: 131026 } })
        const { status, failure, activity } = await timelineOf(world, id)
        expect(status).to.equal('failed')
        expect(failure).to.include({ code: 'recipient_unreachable', vendorCode: '131026' })
        expect(activity.map(({ event }) => event.eventSubType)).to.deep.equal(['failed'])
        expect(activity[0]?.event.response_data.failureReason).to.include('131026')
        expect(requestsFor(world, customer)).to.have.length(1)
      }),
    )

    for (const { label, answer, failure } of doubtCases) {
      it(
        `does not send again when the provider takes the message and ${label}`,
        story(async (world, clock) => {
          const { id, customer } = await aSilentMessage(world, { rule: { next: 1, answer } })
          const { state, status, failure: met } = await timelineOf(world, id)
          expect({ state, status, code: met?.code }).to.deep.equal({
            state: 'in_doubt',
            status: 'unknown',
            code: failure,
          })
          clock.advance(1)
          await aSweep(world)
          expect(requestsFor(world, customer)).to.have.length(1)
        }),
      )
    }

    it(
      'believes the report that proves that a doubted message was taken',
      story(async (world) => {
        const { id, sent, customer } = await aSilentMessage(world, { rule: { next: 1, answer: 'bad_gateway' } })
        await postWebhook(world, aWebhook({ statuses: [aStatus(sent, 'delivered')] }))
        await settle(world)
        const { state, status, messageId, failure } = await timelineOf(world, id)
        const known = { state: 'accepted', status: 'delivered', messageId: sent.wamid, failure: null }
        expect({ state, status, messageId, failure }).to.deep.equal(known)
        expect(await activityOf(world, id)).to.deep.equal(['inqueue', 'delivered'])
        expect(requestsFor(world, customer)).to.have.length(1)
      }),
    )

    it(
      'goes on with the conversation of a message whose acceptance only the customer proves',
      story(async (world) => {
        const { id, sent } = await aSilentMessage(world, { rule: { next: 1, answer: 'bad_gateway' } })
        const [thanks] = await tap(world, sent, 'Reattempt')
        expect(thanks?.text).to.include('Thank you for your response')
        expect((await timelineOf(world, id)).actions.map(({ action }) => action)).to.deep.equal(['reattempt'])
      }),
    )

    it(
      "keeps one customer's trouble away from the others",
      story(async (world) => {
        const [unlucky, lucky] = [aCustomer(), aCustomer()]
        const account_id = await anAccount(world)
        const id = await meet(world, unlucky, { error: { code: 131056 } }, { account_id })
        await deliver(world, eventFor(lucky, { account_id }))
        await settle(world)
        expect((await timelineOf(world, id)).state).to.equal('waiting')
        expect(messagesTo(world, lucky)).to.have.length(1)
      }),
    )
  })
}

const dueBefore = (time: Date): string =>
  `SELECT id FROM wa_outgoing_messages WHERE due_at <= '${time.toISOString().slice(0, 23).replace('T', ' ')}'`

/** Waits until the sweeper has looked at everything: it finds a message that is long due as well. */
async function aSweep(world: World): Promise<void> {
  const customer = aCustomer()
  const id = await meet(world, customer, { next: 1, error: { code: 130429 } })
  await world.database.write("UPDATE wa_outgoing_messages SET due_at = '2020-01-01 00:00:00.000' WHERE id = $1", [id])
  await until('the sweeper has passed', () => messagesTo(world, customer).length === 1)
}
