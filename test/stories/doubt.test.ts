import { expect } from 'chai'
import type { Rule } from '../../src/providers/simulator/inputs.ts'
import {
  aClock,
  aCustomer,
  activityOf,
  aFirstMessage,
  aSilentMessage,
  aStatus,
  asAdmin,
  aWebhook,
  type Customer,
  deliver,
  endShipment,
  eventFor,
  inWorld,
  messagesTo,
  postWebhook,
  requestsFor,
  settle,
  storages,
  timelineOf,
} from '../support/stories.ts'
import { type Storage, until, type World } from '../support/world.ts'

type Clock = ReturnType<typeof aClock>

/** A message whose calls, as many as told, are neither answered nor taken. */
async function aLostMessage(
  world: World,
  { calls = 1, ...changes }: { calls?: number } & Record<string, unknown> = {},
) {
  const customer = aCustomer()
  world.provider.addRule({ phone: customer.phone, next: calls, answer: 'reset', accept: false })
  const { message } = await deliver(world, eventFor(customer, changes))
  await settle(world)
  const id = message?.id ?? ''
  expect(await timelineOf(world, id)).to.deep.include({ state: 'in_doubt', status: 'unknown' })
  return { customer, id }
}

/** Lets the silence last, and shows that reports arrive meanwhile: somebody else's does. */
async function provedSilence(world: World, clock: Clock): Promise<void> {
  clock.advance(11)
  const { sent } = await aSilentMessage(world)
  const timestamp = String(Math.floor(clock.now().getTime() / 1_000))
  await postWebhook(world, aWebhook({ statuses: [aStatus(sent, 'sent', { timestamp })] }))
  await until('the echo is noted', async () => (await echoedUntil(world)) >= clock.now().getTime() - 60_000)
  await readAgain(world)
  clock.advance(1)
}

const echoedUntil = async (world: World): Promise<number> => {
  const [row] = await world.rows<{ at: string | null }>('SELECT echoed_until AS at FROM wa_connections ORDER BY id')
  return row?.at ? Date.parse(`${row.at.slice(0, 23).replace(' ', 'T')}Z`) : 0
}

/** What is known of a connection is read again when it is changed. */
const readAgain = (world: World) => asAdmin(world, 'PATCH', '/v1/connections/1', JSON.stringify({ name: 'Platform' }))

const outcomes = async (world: World, id: string) =>
  (await timelineOf(world, id)).attempts.map(({ outcome }) => outcome)

const becomes = (world: World, id: string, state: string) =>
  until(`message ${id} becomes ${state}`, async () => (await timelineOf(world, id)).state === state)

const isPossibleDuplicate = async (world: World, id: string): Promise<boolean> => {
  const [row] = await world.rows<{ mark: number }>(
    `SELECT possible_duplicate AS mark FROM wa_outgoing_messages WHERE id = ${id}`,
  )
  return Number(row?.mark) === 1
}

/** Waits until the doubt was looked at and put off. */
async function lookedAt(world: World, id: string, clock: Clock): Promise<void> {
  const dueBefore = clock.now().toISOString().slice(0, 23).replace('T', ' ')
  const overdue = `SELECT id FROM wa_outgoing_messages WHERE id = ${id} AND state = 'in_doubt' AND due_at <= '${dueBefore}'`
  await until('the doubt is looked at', async () => (await world.rows(overdue)).length === 0)
}

interface LieCase {
  readonly label: string
  readonly lie: Rule
}

/** Answers that hide that the message was taken. */
const lies: LieCase[] = [
  { label: 'breaks off', lie: { answer: 'reset' } },
  { label: 'answers 502', lie: { answer: 'bad_gateway' } },
  { label: 'answers 500 with a code of its own', lie: { error: { code: 131000 }, accept: true } },
  { label: 'answers 200 without an id', lie: { answer: 'no_id' } },
  { label: 'reports before it breaks off', lie: { answer: 'reset', webhooks: { beforeAnswer: true } } },
]

for (const storage of storages) {
  describe(`when nobody knows whether a message was sent, on ${storage}`, () => {
    const story = (tell: (world: World, clock: Clock) => Promise<void>) => () => inAStoryWorld(storage, tell)

    for (const { label, lie } of lies) {
      it(
        `the report proves it when the provider takes the message and ${label}`,
        story(async (world) => {
          const customer = aCustomer()
          world.provider.addRule({ phone: customer.phone, next: 1, ...lie })
          const { id } = await aFirstMessage(world, { customer })
          await until('it is read', async () => (await timelineOf(world, id)).status === 'read')
          expect(await timelineOf(world, id)).to.deep.include({ state: 'accepted', failure: null })
          expect(await outcomes(world, id)).to.deep.equal(['in_doubt'])
          expect(requestsFor(world, customer)).to.have.length(1)
          expect(await activityOf(world, id)).to.have.members(['inqueue', 'sent', 'delivered', 'read'])
        }),
      )
    }

    it(
      'is sent once more after proved silence, and marked as a possible duplicate',
      story(async (world, clock) => {
        const { customer, id } = await aLostMessage(world)
        await provedSilence(world, clock)
        await until('it is sent again', () => messagesTo(world, customer).length === 1)
        await settle(world)
        expect(await timelineOf(world, id)).to.deep.include({ state: 'accepted', status: 'read' })
        expect(await outcomes(world, id)).to.deep.equal(['in_doubt', 'accepted'])
        expect(await isPossibleDuplicate(world, id)).to.equal(true)
        expect(await activityOf(world, id)).to.have.members(['inqueue', 'sent', 'delivered', 'read'])
      }),
    )

    it(
      'stays in doubt while reports come without our reference: its own could not be told apart',
      story(async (world, clock) => {
        const { customer, id } = await aLostMessage(world)
        clock.advance(11)
        const { sent, id: other } = await aSilentMessage(world)
        const { reference: _, ...unnamed } = sent
        const timestamp = String(Math.floor(clock.now().getTime() / 1_000))
        await postWebhook(world, aWebhook({ statuses: [aStatus(unnamed, 'sent', { timestamp })] }))
        await until('it is applied', async () => (await timelineOf(world, other)).status === 'sent')
        await readAgain(world)
        clock.advance(1)
        await lookedAt(world, id, clock)
        expect(await timelineOf(world, id)).to.deep.include({ state: 'in_doubt', status: 'unknown' })
        expect(requestsFor(world, customer)).to.have.length(1)
      }),
    )

    it(
      'is unknown, and that is told, when it is lost a second time',
      story(async (world, clock) => {
        const { customer, id } = await aLostMessage(world, { calls: 2 })
        await provedSilence(world, clock)
        await until('it is tried again', () => requestsFor(world, customer).length === 2)
        await becomes(world, id, 'in_doubt')
        await provedSilence(world, clock)
        await becomes(world, id, 'unknown')
        expect(await timelineOf(world, id)).to.deep.include({ status: 'unknown' })
        expect(await activityOf(world, id)).to.deep.equal(['unknown'])
        await provedSilence(world, clock)
        expect(requestsFor(world, customer)).to.have.length(2)
      }),
    )

    it(
      'is unknown and never sent again for an account that wants it so',
      story(async (world, clock) => {
        const never = { accountSlug: 'acme-store', isWhatsappEnabled: true, inDoubtPolicy: 'never' }
        await world.call('PUT', '/v1/accounts/379/settings', never)
        const { customer, id } = await aLostMessage(world)
        await provedSilence(world, clock)
        await becomes(world, id, 'unknown')
        expect(requestsFor(world, customer)).to.have.length(1)
        const [event] = (await timelineOf(world, id)).activity
        expect(event?.event.eventSubType).to.equal('unknown')
        expect(event?.event.response_data.failureReason).to.include('is not known')
      }),
    )

    it(
      'is unknown, and not sent again, when the shipment has come to its end meanwhile',
      story(async (world, clock) => {
        const { customer, id } = await aLostMessage(world, { id: 84_000_001 })
        await endShipment(world, 84_000_001)
        expect((await timelineOf(world, id)).state).to.equal('in_doubt')
        await provedSilence(world, clock)
        await becomes(world, id, 'unknown')
        expect((await timelineOf(world, id)).failure?.detail).to.include('reported as delivered meanwhile')
        expect(await isPossibleDuplicate(world, id)).to.equal(false)
        expect(await activityOf(world, id)).to.deep.equal(['unknown'])
        expect(requestsFor(world, customer)).to.have.length(1)
      }),
    )

    it(
      'silence means nothing while no report arrives: in doubt for a day, then unknown',
      story(async (world, clock) => {
        const { customer, id } = await aLostMessage(world)
        for (const minutes of [11, 60, 12 * 60, 10 * 60]) {
          clock.advance(minutes)
          await lookedAt(world, id, clock)
          expect((await timelineOf(world, id)).state, `after ${minutes} more minutes`).to.equal('in_doubt')
        }
        clock.advance(60)
        await becomes(world, id, 'unknown')
        expect(requestsFor(world, customer)).to.have.length(1)
        expect(await activityOf(world, id)).to.deep.equal(['unknown'])
      }),
    )

    describe('an operator decides:', () => {
      const resolve = (world: World, id: string, body: object) =>
        asAdmin(world, 'POST', `/v1/messages/${id}/resolve`, JSON.stringify(body))
      const audit = (world: World) =>
        world.rows(
          `SELECT actor, action, subject_type AS type, subject_id AS id, account_id AS account FROM audit_log
           WHERE subject_type = 'message'`,
        )
      const entry = (id: string, action: string) => ({ actor: 'admin', action, type: 'message', id, account: 379 })

      it(
        'resend, and it goes out at once, marked as a possible duplicate',
        story(async (world) => {
          const { customer, id } = await aLostMessage(world)
          expect((await resolve(world, id, { action: 'resend' })).status).to.equal(200)
          await until('it is sent again', () => messagesTo(world, customer).length === 1)
          expect(await isPossibleDuplicate(world, id)).to.equal(true)
          expect(await audit(world)).to.deep.equal([entry(id, 'message.resend')])
          await settle(world)
          expect((await timelineOf(world, id)).status).to.equal('read')
        }),
      )

      it(
        'mark_sent, and it counts as accepted without another call',
        story(async (world) => {
          const { customer, id } = await aLostMessage(world)
          const { status, text } = await resolve(world, id, { action: 'mark_sent' })
          expect(status).to.equal(200)
          expect(JSON.parse(text)).to.deep.include({ id, state: 'accepted', status: 'accepted' })
          expect(requestsFor(world, customer)).to.have.length(1)
          expect(await audit(world)).to.deep.equal([entry(id, 'message.mark_sent')])
        }),
      )

      it(
        'ignore, and nobody looks at it any more',
        story(async (world, clock) => {
          const { customer, id } = await aLostMessage(world)
          expect((await resolve(world, id, { action: 'ignore' })).status).to.equal(200)
          await provedSilence(world, clock)
          expect((await timelineOf(world, id)).state).to.equal('unknown')
          expect(requestsFor(world, customer)).to.have.length(1)
          expect(await audit(world)).to.deep.equal([entry(id, 'message.ignore')])
        }),
      )

      it(
        'only about what is in doubt or unknown, and only what there is to decide',
        story(async (world) => {
          const { id } = await aFirstMessage(world)
          expect((await resolve(world, id, { action: 'resend' })).status).to.equal(409)
          expect((await resolve(world, '4711', { action: 'resend' })).status).to.equal(404)
          expect((await resolve(world, '1e0', { action: 'resend' })).status).to.equal(404)
          expect((await resolve(world, id, { action: 'forget' })).status).to.equal(400)
          expect((await resolve(world, id, {})).status).to.equal(400)
          expect(await audit(world)).to.deep.equal([])
          expect((await timelineOf(world, id)).status).to.equal('read')
        }),
      )

      it(
        'a report that comes after the decision is believed all the same',
        story(async (world) => {
          const customer = aCustomer()
          const delaysMs = { sent: 1_500 }
          world.provider.addRule({ phone: customer.phone, next: 1, answer: 'reset', webhooks: { delaysMs } })
          const id = await inDoubtNow(world, customer)
          await resolve(world, id, { action: 'ignore' })
          await until('it is read', async () => (await timelineOf(world, id)).status === 'read')
          expect((await timelineOf(world, id)).state).to.equal('accepted')
        }),
      )
    })
  })
}

function inAStoryWorld(storage: Storage, tell: (world: World, clock: Clock) => Promise<void>): Promise<void> {
  const clock = aClock(new Date().toISOString())
  return inWorld({ storage, now: clock.now }, (world) => tell(world, clock))
}

/** Delivers an event whose message is in doubt before its first report comes. */
async function inDoubtNow(world: World, customer: Customer): Promise<string> {
  const { message } = await deliver(world, eventFor(customer))
  const id = message?.id ?? ''
  await becomes(world, id, 'in_doubt')
  return id
}
