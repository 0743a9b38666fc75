import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { printFigures } from '../support/figures.ts'
import { type Load, openLoad } from '../support/load.ts'
import { mostInASecond, pacePerSecond } from '../support/pace.ts'
import { scaled } from '../support/scale.ts'
import { anOwnConnection } from '../support/stories.ts'
import { callGateway, prepareSurroundings, type Surroundings, through } from '../support/surroundings.ts'
import { countRows, unfinished } from '../support/unfinished.ts'
import { until } from '../support/world.ts'

const sends = scaled(800, 10_000)
const limit = 80

describe(`${sends} sends through two processes, to a provider that takes ${limit} a second`, function () {
  this.timeout(90_000 + (sends / limit) * 1_500)
  // Both processes need a processor many times a second, which other work on the machine may deny them.
  this.retries(2)
  let around: Surroundings
  let load: Load

  beforeEach(async () => {
    around = await prepareSurroundings({ simulator: { keepBodies: false } })
    load = openLoad(around)
  })
  afterEach(() => {
    load?.close()
    return around?.close()
  })

  it('use the limit, keep it together, and lose nothing', async () => {
    const { provider, database } = around
    const gateways = [await around.gateway(), await around.gateway({ PORT: '0' })]
    const [first] = gateways
    if (!first) throw new Error('nobody')
    const owner = await anOwnConnection(through(around, first), { messagesPerSecond: limit })
    await until('both know of each other', async () => (await countRows(database, 'gateway_replicas')) === 2)
    await sleep(2_500)
    const setState = (state: string) => callGateway(first, 'PATCH', `/v1/connections/${owner.connectionId}`, { state })
    await setState('paused')
    await load.publish({ accountId: owner.accountId, count: sends })
    const queued = "wa_outgoing_messages WHERE state = 'queued'"
    await until('all wait', async () => (await countRows(database, queued)) === sends, 60_000)
    await setState('active')
    await until('all are taken', () => provider.stats().accepted >= sends, (sends / limit) * 1_500 + 10_000)
    await until('nothing is left to do', async () => (await unfinished(database)).length === 0, 20_000)

    const taken = provider.accepted().map(({ at }) => Date.parse(at))
    const begun = await startTimes()
    printFigures({
      'messages a second': pacePerSecond(taken),
      'most in any second, as the provider saw them': mostInASecond(taken),
      'most in any second, as the gateways began them': mostInASecond(begun),
      'refused for pace': provider.stats().refused['130429'] ?? 0,
    })
    expect(await countRows(database, "wa_outgoing_messages WHERE state = 'accepted'"), 'accepted').to.equal(sends)
    expect(provider.stats().recipients, 'recipients').to.equal(sends)
    expect(pacePerSecond(taken), 'used').to.be.at.least(limit * 0.95)
    expect(pacePerSecond(taken), 'overall').to.be.at.most(limit * 1.05)
    expect(mostInASecond(taken), 'in any second').to.be.at.most(limit * 1.05)
  })

  async function startTimes(): Promise<number[]> {
    const rows = await around.database.select<{ at: string }>(
      'SELECT started_at AS at FROM wa_send_attempts ORDER BY started_at',
    )
    return rows.map(({ at }) => Date.parse(`${at.slice(0, 23).replace(' ', 'T')}Z`))
  }
})
