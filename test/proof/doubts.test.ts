import { expect } from 'chai'
import { printFigures } from '../support/figures.ts'
import { type Load, openLoad } from '../support/load.ts'
import { patienceMs, scaled } from '../support/scale.ts'
import { anOwnConnection } from '../support/stories.ts'
import { prepareSurroundings, type Surroundings, through } from '../support/surroundings.ts'
import { countRows, inDoubt, unfinished } from '../support/unfinished.ts'
import { until } from '../support/world.ts'

const sends = scaled(1_000, 10_000)
const perSecond = scaled(100, 150)
/** A call is given up after 30 s. */
const tooSlowMs = 31_000

describe(`${sends} sends of which a tenth is taken and not answered`, function () {
  this.timeout(5 * patienceMs)
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

  it('none is sent twice while reports come, and every doubt ends as accepted', async () => {
    const { provider, database } = around
    const gateway = await around.gateway()
    const owner = await anOwnConnection(through(around, gateway), {
      // Calls that are never answered hold their slots for 30 s.
      limits: { messagesPerSecond: 400, concurrency: 200 },
    })
    // Each is a share of what the rules before it left over.
    provider.addRule({ probability: 0.05, answer: 'reset' })
    provider.addRule({ probability: 0.03 / 0.95, answer: 'bad_gateway' })
    provider.addRule({ probability: 0.02 / 0.92, delayMs: tooSlowMs })
    const told = await load.publish({ accountId: owner.accountId, count: sends, perSecond })
    await until('all are taken', () => provider.stats().accepted >= sends, patienceMs)
    const isOver = async () => (await countRows(database, inDoubt)) === 0 && (await unfinished(database)).length === 0
    await until('every doubt is over, and nothing is left to do', isOver, patienceMs)

    const doubted = "SELECT wa_outgoing_message_id FROM wa_send_attempts WHERE outcome = 'in_doubt'"
    const count = (from: string) => countRows(database, from)
    const figures = {
      'messages accepted by the provider': provider.stats().accepted,
      'messages that were in doubt': await count(`wa_outgoing_messages WHERE id IN (${doubted})`),
      'of them still in doubt': await count(inDoubt),
      'of them sent again': await count('wa_outgoing_messages WHERE possible_duplicate = 1'),
      'recipients who got two': provider.stats().accepted - provider.stats().recipients,
    }
    printFigures(figures)
    expect(figures['messages that were in doubt'], 'a tenth').to.be.within(sends * 0.06, sends * 0.14)
    expect(figures).to.deep.include({
      'messages accepted by the provider': sends,
      'of them still in doubt': 0,
      'of them sent again': 0,
      'recipients who got two': 0,
    })
    expect(provider.stats().recipients).to.equal(told.length)
    expect(await count("wa_outgoing_messages WHERE state = 'accepted'"), 'accepted').to.equal(sends)
  })
})
