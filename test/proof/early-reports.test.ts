import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { printFigures } from '../support/figures.ts'
import { type Load, openLoad } from '../support/load.ts'
import { scaled } from '../support/scale.ts'
import { anOwnConnection } from '../support/stories.ts'
import { prepareSurroundings, type Surroundings, through } from '../support/surroundings.ts'
import { countRows, unfinished } from '../support/unfinished.ts'
import { until } from '../support/world.ts'

const sends = scaled(600, 10_000)
const perSecond = 100
/** So long a report may be without its message. */
const placedWithinMs = 5_000

describe(`${sends} sends of which half is reported before it is answered`, function () {
  this.timeout(120_000 + (sends / perSecond) * 3_000)
  let around: Surroundings
  let load: Load

  before(async () => {
    around = await prepareSurroundings({ simulator: { keepBodies: false } })
    load = openLoad(around)
  })
  after(() => {
    load?.close()
    return around?.close()
  })

  it('every report finds its message', async () => {
    const { provider, database } = around
    const gateway = await around.gateway()
    const owner = await anOwnConnection(through(around, gateway))
    provider.addRule({ probability: 0.5, delayMs: 50, webhooks: { beforeAnswer: true } })
    await load.publish({ accountId: owner.accountId, count: sends, perSecond })
    await until('all are taken', () => provider.stats().accepted >= sends, 60_000 + sends * 20)
    await provider.idle(60_000)
    await sleep(placedWithinMs)
    const count = (from: string) => countRows(database, from)
    const early = `wa_dlr_messages d JOIN wa_send_attempts a ON a.wa_outgoing_message_id = d.wa_outgoing_message_id
      WHERE d.status = 'sent' AND d.created_at < a.finished_at`
    const figures = {
      'messages accepted by the provider': provider.stats().accepted,
      'reports stored before the answer to their send': await count(early),
      'reports without a message after 5 s': await count('wa_dlr_messages WHERE wa_outgoing_message_id IS NULL'),
      'reports in all': await count('wa_dlr_messages'),
    }
    printFigures(figures)
    expect(figures['reports stored before the answer to their send'], 'about half').to.be.above(sends * 0.3)
    expect(figures).to.deep.include({
      'messages accepted by the provider': sends,
      'reports without a message after 5 s': 0,
      'reports in all': sends * 3,
    })
    expect(await count('wa_outgoing_messages WHERE status_rank = 7'), 'read').to.equal(sends)
    await until('nothing is left to do', async () => (await unfinished(database)).length === 0, 30_000)
  })
})
