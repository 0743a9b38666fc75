import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import { ask } from '../support/ask.ts'
import { NotAnnounced } from '../support/conformity.ts'
import { anFdrEvent } from '../support/fixtures.ts'
import type { Exit, GatewayProcess } from '../support/process.ts'
import { prepareSurroundings, type Surroundings, troubles } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

const eventCount = 300

/** Answers of the readiness check until nobody listens any more. */
async function readinessUntilGone({ url }: GatewayProcess): Promise<number[]> {
  const statuses: number[] = []
  for (;;) {
    try {
      statuses.push((await ask(url, 'GET', '/health/ready', { reset: true })).status)
    } catch (error) {
      if (error instanceof NotAnnounced) throw error
      return statuses
    }
    await sleep(20)
  }
}

describe('a gateway that is asked to stop under load', function () {
  this.timeout(90_000)
  let around: Surroundings
  let gateway: GatewayProcess
  let readiness: number[]
  let exit: Exit
  let tookMs: number
  let left: { readonly rows: number; readonly waiting: number; readonly sending: number }

  before(async () => {
    around = await prepareSurroundings({ simulator: { webhooks: { retryMaxMs: 500, attempts: 200 } } })
    await around.broker.bindActivity()
    around.provider.addRule({ delayMs: 700 })
    gateway = await around.gateway()
    const phones = Array.from({ length: eventCount }, (_, n) => String(9_860_010_000 + n))
    await around.broker.publish(...phones.map((customerContactNumber) => anFdrEvent({ customerContactNumber })))
    await until('calls are under way', () => around.provider.stats().accepted > 0)
    const startedAt = Date.now()
    const polling = readinessUntilGone(gateway)
    exit = await gateway.kill('SIGTERM')
    tookMs = Date.now() - startedAt
    readiness = await polling
    left = {
      rows: await around.count('wa_outgoing_messages'),
      waiting: await around.broker.depth(names.eventQueue),
      sending: await around.count("wa_outgoing_messages WHERE state = 'sending'"),
    }
  })
  after(() => around?.close())

  it('ends by itself, well within 30 seconds', () => {
    expect(exit).to.deep.equal({ code: 0, signal: null })
    expect(tookMs).to.be.lessThan(30_000)
    expect(gateway.log.at(-1)?.msg).to.equal('stopped')
  })

  it('says that it is not ready while it still answers', () => {
    expect(readiness.at(-1)).to.equal(503)
    expect(readiness.lastIndexOf(200)).to.be.lessThan(readiness.indexOf(503))
  })

  it('ends the calls that are under way', () => expect(left.sending).to.equal(0))

  it('leaves each event either in the queue or in a row', () => {
    expect(left.rows + left.waiting).to.equal(eventCount)
    expect(around.provider.stats().accepted, 'stopped in the middle').to.be.lessThan(eventCount)
  })

  it('logs no error', () => expect(troubles(gateway)).to.deep.equal([]))

  it('leaves the rest to the next one: nobody is forgotten, told twice, or in doubt', async () => {
    around.provider.clearRules()
    await around.gateway()
    await until('all are accepted', () => around.provider.stats().accepted >= eventCount, 30_000)
    await around.provider.idle(30_000)
    const isKnown = async () => (await around.count("wa_outgoing_messages WHERE state = 'accepted'")) === eventCount
    await until('all are known to be accepted', isKnown)
    expect(around.provider.stats().maxAcceptedPerRecipient).to.equal(1)
  })
})
