import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { anFdrEvent } from '../support/fixtures.ts'
import type { GatewayProcess } from '../support/process.ts'
import { eventOutcomes, prepareSurroundings, type Surroundings, sumOf, troubles } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

const local = '9810043210'
const phone = `+91${local}`
/** Events that come in once the STOP is applied. */
const eventsAfter = 120

describe('STOP with two gateway processes and events streaming in', function () {
  this.timeout(120_000)
  let around: Surroundings
  let gateways: GatewayProcess[]

  before(async () => {
    around = await prepareSurroundings()
    gateways = [await around.gateway(), await around.gateway({ PORT: '0' })]
  })
  after(() => around?.close())

  const callsTo = () =>
    around.provider.requests().flatMap(({ path, body }) => {
      const sent = body as { to?: string; type?: string; biz_opaque_callback_data?: string }
      return path.endsWith('/messages') && sent.to === phone && sent.type === 'template'
        ? [sent.biz_opaque_callback_data ?? '']
        : []
    })
  const countOf = (state: string) =>
    around.count(`wa_outgoing_messages WHERE customer_phone = '${phone}' AND state = '${state}'`)
  const claims = async () =>
    (
      await around.database.select<{ reference: string; attempts: number }>(
        `SELECT reference, attempts FROM wa_outgoing_messages WHERE customer_phone = $1 AND state = 'sending'`,
        [phone],
      )
    ).map(({ reference, attempts }) => `${reference}.${attempts}`)

  it('lets no call begin once it is applied, at either of them', async () => {
    let isApplied = false
    const stream = async (): Promise<number> => {
      let published = 0
      for (let left = eventsAfter; left > 0; published++) {
        if (isApplied) left--
        const fields = { customerContactNumber: local, status_log_id: String(960_000_001 + published) }
        await around.broker.publish(anFdrEvent(fields))
        await sleep(5)
      }
      return published
    }
    const streaming = stream()
    await until('some are sent', async () => (await countOf('accepted')) >= 10)
    await around.provider.say(phone, 'STOP')
    await until('it is applied', async () => (await around.count(`wa_consents WHERE address = '${phone}'`)) > 0)
    const before = callsTo().length
    const underWay = await claims()
    isApplied = true
    const events = await streaming
    await until(
      'all events are decided',
      async () => (await countOf('accepted')) + (await countOf('skipped')) >= events,
    )
    // The STOP's own confirmation is accepted as well, and is no template.
    const since = callsTo().slice(before)
    expect(
      since.filter((reference) => !underWay.includes(reference)),
      'calls that began afterwards',
    ).to.deep.equal([])
    const [accepted, skipped] = [await countOf('accepted'), await countOf('skipped')]
    console.log(`      ${callsTo().length} calls, ${accepted} accepted, ${skipped} skipped, ${since.length} under way`)
    expect(skipped).to.be.at.least(eventsAfter)
    const taken = await Promise.all(gateways.map(eventOutcomes))
    for (const outcomes of taken) expect(sumOf(outcomes), 'both took their part').to.be.greaterThan(0)
    for (const gateway of gateways) expect(troubles(gateway)).to.deep.equal([])
  })

  it('lets events be sent again by both after START', async () => {
    await around.provider.say(phone, 'START')
    await until('it is applied', () => around.count(`wa_consents WHERE address = '${phone}' AND is_wanted = 1`))
    const before = callsTo().length
    const again = Array.from({ length: 20 }, (_, number) =>
      anFdrEvent({ customerContactNumber: local, status_log_id: String(961_000_001 + number) }),
    )
    await around.broker.publish(...again)
    await until('it is called again', () => callsTo().length > before)
  })
})
