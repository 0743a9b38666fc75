import { expect } from 'chai'
import {
  aCustomer,
  activityOf,
  asAdmin,
  type Customer,
  decisionsOf,
  deliver,
  eventFor,
  inWorld,
  settle,
  storages,
  timelineOf,
} from '../support/stories.ts'
import { answerAtTwin, aTwinAccount, sentBy, untilStatus } from '../support/twin24.ts'
import { until, type World } from '../support/world.ts'

/** Nothing listens there: a call is provably not written. */
const nobody = 'http://127.0.0.1:9'

/** An account that sends through Meta, and through TWIN when Meta cannot. */
async function anAccountWithBoth(world: World) {
  const twin = await aTwinAccount(world)
  const { accountId } = twin
  const created = await world.call<{ id: string }>('POST', '/v1/connections?verify=false', {
    accountId,
    provider: 'meta',
    name: 'Own Meta',
    businessPhone: '+911140008888',
    credentials: { phoneNumberId: '840000000000001', wabaId: '940000000000001', accessToken: 'EAAx', appSecret: 'x' },
    fallbackConnectionId: twin.connectionId,
  })
  expect(created.status, JSON.stringify(created.body)).to.equal(201)
  const own = JSON.stringify({ isWhatsappEnabled: true, whatsappSenderConnectionId: created.body.id })
  expect((await asAdmin(world, 'PUT', `/v1/accounts/${accountId}/settings`, own)).status).to.equal(200)
  return { accountId, metaId: created.body.id, twinId: twin.connectionId }
}

for (const storage of storages) {
  describe(`an account with Meta and TWIN, while Meta cannot be reached, on ${storage}`, () => {
    const story = (tellIt: (world: World) => Promise<void>) => () =>
      inWorld({ storage, env: { META_BASE_URL: nobody } }, tellIt)
    const tell = async (world: World, account_id: number, customer: Customer) =>
      (await deliver(world, eventFor(customer, { account_id, reason: 'customer_unavailable' }))).message?.id ?? ''

    it(
      'sends through TWIN, once, says why on the message, and carries the conversation on there',
      story(async (world) => {
        const { accountId, metaId, twinId } = await anAccountWithBoth(world)
        const customer = aCustomer()
        const id = await tell(world, accountId, customer)
        await untilStatus(world, id, 'delivered')
        const sent = sentBy(world, customer)
        expect(sent).to.have.length(1)
        const { route, attempts, timeline } = await timelineOf(world, id)
        const why = `fallback: connection ${metaId} refused (connection_unreachable)`
        expect(route).to.deep.equal({ connectionId: twinId, why })
        expect(attempts.map(({ outcome, failureCode }) => [outcome, failureCode])).to.deep.equal([
          ['refused', 'connection_unreachable'],
          ['accepted', null],
        ])
        expect(JSON.stringify(timeline)).to.contain(why)
        await answerAtTwin(world, { customer, id, sent }, { call: { action: 'REATTEMPT' } })
        expect(decisionsOf(world, customer).map(({ action }) => action)).to.deep.equal(['reattempt'])
        expect(await activityOf(world, id)).to.deep.equal(['inqueue', 'delivered', 'Reattempt'])
      }),
    )

    it(
      'goes to TWIN at once when Meta did not answer for a while',
      story(async (world) => {
        const { accountId, twinId } = await anAccountWithBoth(world)
        const route = async () => {
          const customer = aCustomer()
          const id = await tell(world, accountId, customer)
          await until('it is taken', () => sentBy(world, customer).length === 1)
          return (await timelineOf(world, id)).route
        }
        await until('the breaker is open', async () => (await route()).why.includes('does not answer'))
        expect(await route()).to.deep.equal({
          connectionId: twinId,
          why: "fallback: account's own connection does not answer",
        })
      }),
    )

    it(
      'waits for Meta with a message whose template is mapped to no bot',
      story(async (world) => {
        const { accountId, metaId } = await anAccountWithBoth(world)
        const customer = aCustomer()
        const event = eventFor(customer, { account_id: accountId, reason: 'otp_cancellation' })
        const id = (await deliver(world, event)).message?.id
        await until('it waits', async () => (await timelineOf(world, id)).state === 'waiting')
        await settle(world)
        expect((await timelineOf(world, id)).route.connectionId).to.equal(metaId)
        expect(sentBy(world, customer)).to.deep.equal([])
      }),
    )
  })
}
