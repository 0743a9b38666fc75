import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { median } from '../../bench/statistics.ts'
import { printFigures } from '../support/figures.ts'
import { type Load, openLoad } from '../support/load.ts'
import type { GatewayProcess } from '../support/process.ts'
import { patienceMs, scaled } from '../support/scale.ts'
import { anOwnConnection, type OwnConnection } from '../support/stories.ts'
import { callGateway, prepareSurroundings, type Surroundings, through } from '../support/surroundings.ts'
import { countRows } from '../support/unfinished.ts'
import { until } from '../support/world.ts'

const waiting = scaled(5_000, 100_000)
const others = 15
/** What was needed to take them in stays a while; five thousand are too few to tell that from what they cost. */
const mostMegabytes = scaled(400, 250)
/** Four processes take part in each; a busy machine lets them wait for a processor. */
const soonMs = scaled(1_000, 50)
const settleMs = 120_000

describe(`${waiting} messages waiting for one paused connection`, function () {
  this.timeout(5 * patienceMs)
  let around: Surroundings
  let load: Load
  let gateway: GatewayProcess
  let paused: OwnConnection

  before(async () => {
    around = await prepareSurroundings({ simulator: { keepBodies: false } })
    load = openLoad(around)
    gateway = await around.gateway()
    paused = await anOwnConnection(through(around, gateway))
    await callGateway(gateway, 'PATCH', `/v1/connections/${paused.connectionId}`, { state: 'paused' })
    const publishedMs = performance.now()
    await load.publish({ accountId: paused.accountId, count: waiting })
    await until('all wait', async () => (await queued()) === waiting, patienceMs)
    printFigures({ 'events a second': (waiting * 1_000) / (performance.now() - publishedMs) })
  })
  after(() => {
    load?.close()
    return around?.close()
  })

  it('cost little memory', async () => {
    const atFirst = residentMegabytes(gateway.pid)
    const isSettled = () => residentMegabytes(gateway.pid) < mostMegabytes
    // What was only needed to take them in is given back to the system once nothing happens for a while.
    await until('memory that is not needed is given back', isSettled, settleMs).catch(() => {})
    const settled = residentMegabytes(gateway.pid)
    printFigures({ 'MB resident at first': atFirst, 'MB resident when things have settled': settled })
    expect(settled).to.be.below(mostMegabytes)
  })

  it("hold up no other connection's first message", async () => {
    const owners: OwnConnection[] = []
    for (let n = 0; n < others; n++) owners.push(await anOwnConnection(through(around, gateway)))
    const delays: number[] = []
    for (const { accountId } of owners) {
      const told = await load.publish({ accountId, count: 1 })
      delays.push(await until('it is told', () => load.delaysMs(told)[0]))
      await sleep(100)
    }
    printFigures({
      'ms from event to request, median': median(delays),
      'ms from event to request, most': Math.max(...delays),
      'MB resident afterwards': residentMegabytes(gateway.pid),
    })
    expect(await queued(), 'still waiting').to.equal(waiting)
    expect(median(delays), 'median').to.be.at.most(soonMs)
    expect(Math.max(...delays), 'most').to.be.at.most(2 * soonMs)
  })

  const queued = () =>
    countRows(
      around.database,
      `wa_outgoing_messages WHERE state = 'queued' AND whatsappSenderConnectionId = ${paused.connectionId}`,
    )
})

/** As `ps` shows it: what the process has in memory. */
function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1024
}
