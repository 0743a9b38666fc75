import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { printFigures } from '../support/figures.ts'
import { type Load, openLoad } from '../support/load.ts'
import { mostInASecond, pacePerSecond } from '../support/pace.ts'
import { patienceMs, scaled } from '../support/scale.ts'
import { anOwnConnection } from '../support/stories.ts'
import { callGateway, prepareSurroundings, type Surroundings, through } from '../support/surroundings.ts'
import { countRows, unfinished } from '../support/unfinished.ts'
import { until } from '../support/world.ts'

const sends = scaled(800, 10_000)
const limit = 80
/**
 * Tokens that nobody is there to take are lost: what other work leaves of the machine is not the gateway's doing. Each
 * process would use half of the limit at most if the other one's share were lost.
 */
const leastUsed = scaled(0.6, 0.95)
/** The way to the provider takes now less, now longer: what began in one second may arrive in the next. */
const mostArriving = scaled(1.5, 1.1)
/** So is what stands still between its token and its first line. */
const mostBegun = scaled(1.2, 1.05)

describe(`${sends} sends through two processes, to a provider that takes ${limit} a second`, function () {
  this.timeout(5 * patienceMs)
  let around: Surroundings
  let load: Load
  let taken: number[]
  let begun: number[]

  before(async () => {
    around = await prepareSurroundings({ simulator: { keepBodies: false } })
    load = openLoad(around)
    await sendAll()
    printFigures({
      'messages a second': pacePerSecond(taken),
      'most in any second, as the provider saw them': mostInASecond(taken),
      'most in any second, as the gateways began them': mostInASecond(begun),
    })
  })
  after(() => {
    load?.close()
    return around?.close()
  })

  it('lose nothing, and are never refused', async () => {
    expect(around.provider.stats().refused, 'refused').to.deep.equal({})
    expect(around.provider.stats().recipients, 'recipients').to.equal(sends)
    expect(await countRows(around.database, "wa_outgoing_messages WHERE state = 'accepted'")).to.equal(sends)
  })

  it('keep the limit together', () => {
    expect(pacePerSecond(taken), 'overall').to.be.at.most(limit * 1.05)
    expect(mostInASecond(begun), 'in any second').to.be.at.most(limit * mostBegun)
  })

  it(`use at least ${100 * leastUsed} % of it`, () => {
    expect(pacePerSecond(taken)).to.be.at.least(limit * leastUsed)
    expect(mostInASecond(taken), 'in any second, at the provider').to.be.at.most(limit * mostArriving)
  })

  /** All wait for a paused connection at first, so that the pace is all that holds them up. */
  async function sendAll(): Promise<void> {
    const { provider, database } = around
    const first = await around.gateway()
    await around.gateway({ PORT: '0' })
    const owner = await anOwnConnection(through(around, first), { messagesPerSecond: limit })
    const setState = (state: string) => callGateway(first, 'PATCH', `/v1/connections/${owner.connectionId}`, { state })
    await setState('paused')
    await load.publish({ accountId: owner.accountId, count: sends })
    const queued = "wa_outgoing_messages WHERE state = 'queued'"
    await until('all wait', async () => (await countRows(database, queued)) === sends, patienceMs)
    await until(
      'both know of each other',
      async () => (await countRows(database, 'gateway_replicas')) === 2,
      patienceMs,
    )
    await sleep(2_500)
    await setState('active')
    await until('all are taken', () => provider.stats().accepted >= sends, patienceMs)
    await until('nothing is left to do', async () => (await unfinished(database)).length === 0, patienceMs)
    taken = provider.accepted().map(({ at }) => Date.parse(at))
    begun = await startTimes()
  }

  async function startTimes(): Promise<number[]> {
    const rows = await around.database.select<{ at: string }>(
      'SELECT started_at AS at FROM wa_send_attempts ORDER BY started_at',
    )
    return rows.map(({ at }) => Date.parse(`${at.slice(0, 23).replace(' ', 'T')}Z`))
  }
})
