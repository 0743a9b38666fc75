import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import { anFdrEvent } from '../support/fixtures.ts'
import type { GatewayProcess } from '../support/process.ts'
import {
  callGateway,
  eventOutcomes,
  prepareSurroundings,
  type Surroundings,
  sumOf,
  troubles,
} from '../support/surroundings.ts'
import { until } from '../support/world.ts'

describe('two gateway processes on one database and broker', function () {
  this.timeout(60_000)
  let around: Surroundings
  let one: GatewayProcess
  let other: GatewayProcess

  before(async () => {
    around = await prepareSurroundings()
    one = await around.gateway()
    other = await around.gateway({ PORT: '0' })
  })
  after(() => around?.close())
  beforeEach(() => around.provider.reset())

  it('tell the customer once when one event arrives 100 times', async () => {
    const event = anFdrEvent()
    await around.broker.publish(...Array<object>(100).fill(event))
    const taken = await until('all are taken in', async () => {
      const counts = await Promise.all([one, other].map(eventOutcomes))
      return counts.reduce((total, each) => total + sumOf(each), 0) >= 100 ? counts : undefined
    })
    await until('the message is accepted', () => around.provider.accepted().length > 0)
    await around.provider.idle()
    expect(taken.map(sumOf), 'both took part').to.satisfy((counts: number[]) => counts.every((count) => count > 0))
    expect(
      taken.reduce((total, { queued = 0 }) => total + queued, 0),
      'queued',
    ).to.equal(1)
    expect(around.provider.requests().filter(({ path }) => path.endsWith('/messages'))).to.have.length(1)
    expect(await around.count('wa_outgoing_messages')).to.equal(1)
    expect(await around.broker.depth(names.eventQueue)).to.equal(0)
  })

  it('share the work: each message is sent by one of them', async () => {
    const events = Array.from({ length: 100 }, (_, n) => anFdrEvent({ customerContactNumber: `98200${10_000 + n}` }))
    await around.broker.publish(...events)
    await until('100 are accepted', () => around.provider.stats().accepted >= 100)
    await around.provider.idle()
    const { accepted, recipients, maxAcceptedPerRecipient } = around.provider.stats()
    expect({ accepted, recipients, maxAcceptedPerRecipient }).to.deep.equal({
      accepted: 100,
      recipients: 100,
      maxAcceptedPerRecipient: 1,
    })
  })

  for (const isWhatsappEnabled of [false, true]) {
    it(`settings changed at one are in force at the other within a second: ${isWhatsappEnabled}`, async () => {
      // Read there just now, so that only the news of the change can make the other one forget.
      expect(await outcomeAt(other)).to.equal(isWhatsappEnabled ? 'skipped' : 'queued')
      const settings = { accountSlug: 'acme-store', isWhatsappEnabled }
      expect((await callGateway(one, 'PUT', '/v1/accounts/379/settings', settings)).status).to.equal(200)
      const wanted = isWhatsappEnabled ? 'queued' : 'skipped'
      await until(`the other one says ${wanted}`, async () => (await outcomeAt(other)) === wanted, 1_000)
    })
  }

  const outcomeAt = async (gateway: GatewayProcess) =>
    (await callGateway(gateway, 'POST', '/v1/events', anFdrEvent())).body.outcome

  it('log no error', () => {
    expect([one, other].flatMap(troubles)).to.deep.equal([])
  })
})
