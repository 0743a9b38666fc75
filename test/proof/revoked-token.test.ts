import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { printFigures } from '../support/figures.ts'
import { type Load, openLoad } from '../support/load.ts'
import type { GatewayProcess } from '../support/process.ts'
import { patienceMs, scaled } from '../support/scale.ts'
import { anOwnConnection, type OwnConnection } from '../support/stories.ts'
import { callGateway, prepareSurroundings, type Surroundings, through } from '../support/surroundings.ts'
import { countRows, unfinished } from '../support/unfinished.ts'
import { until } from '../support/world.ts'

const sends = scaled(1_000, 2_000)
/** Of each of the two processes. */
const concurrency = 20
const newToken = 'EAAnewtoken0001'

describe(`a token that is revoked in the middle of ${sends} sends through two processes`, function () {
  this.timeout(5 * patienceMs)
  let around: Surroundings
  let load: Load
  let gateways: GatewayProcess[]
  let owner: OwnConnection

  before(async () => {
    around = await prepareSurroundings({ simulator: { keepBodies: false } })
    load = openLoad(around)
    const first = await around.gateway()
    gateways = [first, await around.gateway({ PORT: '0' })]
    owner = await anOwnConnection(through(around, first), { limits: { messagesPerSecond: 200, concurrency } })
    // Calls that take a while, so that many are under way when it happens.
    around.provider.addRule({ delayMs: 100 })
  })
  after(() => {
    load?.close()
    return around?.close()
  })

  it('costs the calls under way, tells once, and nobody goes without a message', async () => {
    const { provider, database } = around
    const publishing = load.publish({ accountId: owner.accountId, count: sends, perSecond: 200 })
    await until('half are taken', () => provider.stats().accepted >= sends / 2, patienceMs)
    useToken(newToken)
    await publishing
    await until('it is paused', async () => (await shown()).state === 'paused', patienceMs)
    const acceptedByThen = provider.stats().accepted
    await sleep(3_000)
    expect(provider.stats().accepted, 'accepted while paused').to.equal(acceptedByThen)
    const wasted = refusals()

    const path = `/v1/connections/${owner.connectionId}`
    const [first] = gateways
    if (!first) throw new Error('nobody')
    const { status } = await callGateway(first, 'PATCH', path, { credentials: { accessToken: newToken } })
    expect(status).to.equal(200)
    const mendedMs = performance.now()
    await until('all are taken', () => provider.stats().accepted >= sends, patienceMs)
    const drainMs = performance.now() - mendedMs
    await until('nothing is left to do', async () => (await unfinished(database)).length === 0, patienceMs)

    const alerts = gateways.flatMap(({ log }) => log.filter(({ level }) => level >= 50))
    printFigures({
      'calls wasted': wasted,
      'calls wasted after the new token was stored': refusals() - wasted,
      'messages that waited meanwhile': sends - acceptedByThen,
      'seconds until they were sent': drainMs / 1_000,
      alerts: alerts.length,
    })
    expect(wasted, 'wasted').to.be.within(1, 2 * concurrency)
    expect(refusals(), 'refused in all').to.equal(wasted)
    expect(alerts.map(({ msg }) => msg)).to.have.length(1)
    const delivered = "wa_outgoing_messages WHERE state = 'accepted' AND delivered_at IS NOT NULL"
    expect(await countRows(database, delivered), 'delivered').to.equal(sends)
    expect(provider.stats().maxAcceptedPerRecipient).to.equal(1)
  })

  const refusals = () => around.provider.requests().filter(({ verdict }) => verdict === 'refused 190').length

  const shown = async () => {
    const [first] = gateways
    if (!first) throw new Error('nobody')
    return (await callGateway<{ state: string }>(first, 'GET', `/v1/connections/${owner.connectionId}`)).body
  }

  /** From now on the provider knows the number by another token only. */
  function useToken(accessToken: string): void {
    const account = around.provider.account(owner.phoneNumberId)
    if (account) around.provider.addAccount({ ...account, accessToken })
  }
})
