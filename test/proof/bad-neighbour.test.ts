import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { median, quantile } from '../../bench/statistics.ts'
import type { Rule } from '../../src/providers/simulator/inputs.ts'
import type { AcceptedMessage } from '../../src/providers/simulator/ledger.ts'
import { printFigures } from '../support/figures.ts'
import { type Load, openLoad } from '../support/load.ts'
import { patienceMs, scaled } from '../support/scale.ts'
import { aCustomer, anOwnConnection, type Customer, type OwnConnection } from '../support/stories.ts'
import { prepareSurroundings, type Surroundings, through } from '../support/surroundings.ts'
import { ageDoubts, countRows, inDoubt, unfinished } from '../support/unfinished.ts'
import { until } from '../support/world.ts'

const perSecond = 40
const roundSeconds = scaled(8, 60)
/** One after the other, between rounds without trouble. */
const troubles: readonly Rule[] = [{ error: { http: 503 } }, { answer: 'hang', accept: false }]
/** So many customers of the bad neighbour get all its messages. */
const regulars = 60
/** Delays are compared in slices of so many, so that one pause of the machine counts once. */
const slice = 80
const mostSlower = scaled(3, 1.2)
/**
 * A scheduler gives a processor for some milliseconds at a time: below that, two figures are the same. On a busy machine
 * it is more; who waits behind a neighbour that hangs would wait for seconds.
 */
const turnMs = scaled(300, 15)
/** What else the machine does shows in how much undisturbed slices differ among themselves. */
const noiseMs = (slices: readonly number[]) => turnMs + quantile(slices, 0.75) - median(slices)
const tooLateEvery = 10

describe(`a connection that is down beside one that is not, ${perSecond} events a second each`, function () {
  this.timeout(5 * patienceMs)
  let around: Surroundings
  let load: Load
  let bad: OwnConnection
  let good: OwnConnection
  let customers: Customer[]
  const undisturbed: number[] = []
  const disturbed: number[] = []
  /** Ids of the bad neighbour's messages that are of no use any more by the time it is mended. */
  const late = new Set<number>()
  /** References of what waited when it was mended. */
  const waited = new Set<string>()

  before(async () => {
    around = await prepareSurroundings({ simulator: { keepBodies: false } })
    load = openLoad(around)
    const gateway = await around.gateway()
    bad = await anOwnConnection(through(around, gateway))
    good = await anOwnConnection(through(around, gateway))
    customers = Array.from({ length: regulars }, aCustomer)
    await round()
    for (const trouble of troubles) {
      undisturbed.push(...(await round()))
      around.provider.addRule({ ...trouble, phoneNumberId: bad.phoneNumberId })
      disturbed.push(...(await round()))
      for (const id of await outlived()) late.add(id)
      await noteWaiting()
      around.provider.clearRules()
      await drained()
    }
    undisturbed.push(...(await round()))
  })
  after(() => {
    load?.close()
    return around?.close()
  })

  it('does not slow it down', () => {
    const figures = {
      'ms from event to request (p99), undisturbed': median(undisturbed),
      'the same beside a connection that is down': median(disturbed),
    }
    printFigures({ ...figures, 'the difference that is noise': noiseMs(undisturbed) })
    expect(median(disturbed)).to.be.at.most(median(undisturbed) * mostSlower + noiseMs(undisturbed))
  })

  it('sends what waited, to each recipient in the order of the events, when it is mended', async () => {
    await until('doubts are decided', decided, patienceMs)
    const states = await around.database.select<{ state: string; n: number }>(
      `SELECT state, COUNT(*) AS n FROM wa_outgoing_messages WHERE whatsappSenderConnectionId = ${bad.connectionId}
       GROUP BY state ORDER BY state`,
    )
    printFigures(Object.fromEntries(states.map(({ state, n }) => [`of its messages ended ${state}`, Number(n)])))
    expect(states.map(({ state }) => state)).to.deep.equal(['accepted', 'expired'])
    expect(waited.size, 'what waited').to.be.above(late.size)
    expect(await outOfOrder()).to.deep.equal([])
  })

  it('sends nothing that is of no use any more', async () => {
    expect(late).not.to.have.property('size', 0)
    const rows = `wa_outgoing_messages WHERE id IN (${[...late].join(', ')})`
    expect(await countRows(around.database, `${rows} AND state = 'expired'`)).to.equal(late.size)
    const references = await around.database.select<{ reference: string }>(`SELECT reference FROM ${rows}`)
    const known = new Set(references.map(({ reference }) => reference))
    expect(taken().filter(({ reference = '' }) => known.has(reference.split('.')[0] ?? ''))).to.deep.equal([])
  })

  /** Events for both connections; resolves with the p99 of each slice of the good one's delays. */
  async function round(): Promise<number[]> {
    const count = perSecond * roundSeconds
    const [told] = await Promise.all([
      load.publish({ accountId: good.accountId, count, perSecond }),
      load.publish({ accountId: bad.accountId, count, perSecond, customers }),
    ])
    await until('the good one told everybody', () => load.delaysMs(told).length === count, patienceMs)
    const delays = load.delaysMs(told)
    return Array.from({ length: Math.floor(count / slice) }, (_, n) =>
      quantile(delays.slice(n * slice, (n + 1) * slice), 0.99),
    )
  }

  /** Ends the use of some messages that wait; resolves with their ids once that has passed. */
  async function outlived(): Promise<number[]> {
    const { database } = around
    const some = `whatsappSenderConnectionId = ${bad.connectionId} AND state = 'queued' AND MOD(id, ${tooLateEvery}) = 0`
    await database.write(
      `UPDATE wa_outgoing_messages SET expires_at = UTC_TIMESTAMP(3) + INTERVAL 1 SECOND WHERE ${some}`,
    )
    await sleep(1_500)
    const rows = await database.select<{ id: number }>(
      `SELECT id FROM wa_outgoing_messages WHERE whatsappSenderConnectionId = ${bad.connectionId}
       AND state IN ('queued', 'expired') AND expires_at < UTC_TIMESTAMP(3)`,
    )
    return rows.map(({ id }) => Number(id))
  }

  /** What waited is sent; doubts are left. */
  const drained = () =>
    until('what waited is sent', async () => (await unfinished(around.database)).length === 0, patienceMs)

  async function decided(): Promise<boolean> {
    await ageDoubts(around.database)
    await sleep(500)
    return (await countRows(around.database, inDoubt)) === 0 && (await unfinished(around.database)).length === 0
  }

  const taken = (): AcceptedMessage[] =>
    around.provider.accepted().filter(({ phoneNumberId }) => phoneNumberId === bad.phoneNumberId)

  async function noteWaiting(): Promise<void> {
    const rows = await around.database.select<{ reference: string }>(
      `SELECT reference FROM wa_outgoing_messages
       WHERE whatsappSenderConnectionId = ${bad.connectionId} AND state = 'queued'`,
    )
    for (const { reference } of rows) waited.add(reference)
  }

  /** Recipients whose messages came in another order than their events; what was in doubt came when it could. */
  async function outOfOrder(): Promise<string[]> {
    const rows = await around.database.select<{ reference: string; event: string }>(
      `SELECT reference, shipment_status_log_id AS event FROM wa_outgoing_messages WHERE id NOT IN
       (SELECT wa_outgoing_message_id FROM wa_send_attempts WHERE outcome = 'in_doubt')`,
    )
    const eventOf = new Map(rows.map(({ reference, event }) => [reference, Number(event)]))
    const last = new Map<string, number>()
    return taken().flatMap(({ to, reference = '' }) => {
      const own = reference.split('.')[0] ?? ''
      const event = waited.has(own) ? eventOf.get(own) : undefined
      if (event === undefined) return []
      const before = last.get(to) ?? 0
      last.set(to, event)
      return event > before ? [] : [`${to}: event ${event} after ${before}`]
    })
  }
})
