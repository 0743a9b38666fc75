import { expect } from 'chai'
import type { GatewayProcess } from '../support/process.ts'
import { callGateway, prepareSurroundings, type Surroundings } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

const changes = 10
/** Caches live 30 s: whoever knows within this was told. */
const withinMs = 1_000

describe('changes made at one gateway process, with a second one', function () {
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

  const get = async (gateway: GatewayProcess, path: string) => (await callGateway(gateway, 'GET', path)).body

  /** Milliseconds from the answer to the change until the other process shows it. */
  async function spanUntil(what: string, isShown: () => Promise<boolean>): Promise<number> {
    const changedAtMs = performance.now()
    await until(what, isShown, withinMs)
    return Math.round(performance.now() - changedAtMs)
  }

  it('settings are in force at the other within a second', async () => {
    const path = '/v1/accounts/379/settings'
    const spans: number[] = []
    for (let n = 0; n < changes; n++) {
      const isWhatsappEnabled = n % 2 === 1
      // Read there just now, so that only the news can make the other one forget.
      expect(await get(other, path)).to.have.property('isWhatsappEnabled', !isWhatsappEnabled)
      const settings = { accountSlug: 'acme-store', isWhatsappEnabled }
      expect((await callGateway(one, 'PUT', path, settings)).status).to.equal(200)
      const isShown = async () => (await get(other, path)).isWhatsappEnabled === isWhatsappEnabled
      spans.push(await spanUntil('the other has the settings', isShown))
    }
    console.log(`      settings were in force at the other process after ${spans.join(', ')} ms`)
  })

  it('a connection is changed, paused and resumed at the other within a second', async () => {
    const [{ id } = { id: '' }] = (await get(one, '/v1/connections')).items as { id: string }[]
    const path = `/v1/connections/${id}`
    const spans: number[] = []
    for (let n = 0; n < changes; n++) {
      const change = { name: `Name ${n}`, state: n % 2 === 0 ? 'paused' : 'active' }
      expect((await get(other, path)).name).not.to.equal(change.name)
      expect((await callGateway(one, 'PATCH', path, change)).status).to.equal(200)
      const isShown = async () => {
        const { name, state } = await get(other, path)
        return name === change.name && state === change.state
      }
      spans.push(await spanUntil('the other has the connection', isShown))
    }
    console.log(`      a connection was changed at the other process after ${spans.join(', ')} ms`)
  })
})
