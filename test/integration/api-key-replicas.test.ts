import { expect } from 'chai'
import { ask } from '../support/ask.ts'
import { bearer } from '../support/clients.ts'
import type { GatewayProcess } from '../support/process.ts'
import { callGateway, prepareSurroundings, type Surroundings } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

interface Made {
  readonly id: string
  readonly key: string
}

describe('keys of clients, with two gateway processes', function () {
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

  const statusAt = async ({ url }: GatewayProcess, key: string): Promise<number> =>
    (await ask(url, 'GET', '/v1/templates', { headers: bearer(key) })).status

  it('made at one work at the other at once, and revoked at one end at the other within 5 s', async () => {
    const spans: number[] = []
    for (let times = 0; times < 5; times++) {
      const draft = { accountId: 379, name: 'Replicas', scopes: ['read'] }
      const { body } = await callGateway<Made>(one, 'POST', '/v1/api-keys', draft)
      expect([await statusAt(one, body.key), await statusAt(other, body.key)]).to.deep.equal([200, 200])
      expect((await callGateway(one, 'DELETE', `/v1/api-keys/${body.id}`)).status).to.equal(200)
      const revokedAt = performance.now()
      expect(await statusAt(one, body.key)).to.equal(401)
      await until('the other refuses it', async () => (await statusAt(other, body.key)) === 401, 5_000)
      spans.push(Math.round(performance.now() - revokedAt))
    }
    console.log(`      a revoked key was refused by the other process after ${spans.join(', ')} ms`)
    // What is cached lives 2 s: whoever is quicker was told.
    expect(spans.filter((ms) => ms < 1_000).length).to.be.at.least(4)
  })
})
