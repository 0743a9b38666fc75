import { expect } from 'chai'
import { newStages } from '../../src/core/inbound/tell-reports.ts'
import { createBalance } from '../../src/core/observe/balance.ts'
import { metricTable } from '../../src/core/observe/metric-table.ts'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { type LaneReading, shownLanes } from '../../src/core/observe/read-lanes.ts'

const linesOf = async (metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> =>
  (await metrics.text()).split('\n').filter((line) => line.startsWith(name))

describe('metrics', () => {
  it('have each its own name, which begins with ours, and counters end in _total', () => {
    const specs = Object.values(metricTable)
    expect(new Set(specs.map(({ name }) => name)).size).to.equal(specs.length)
    for (const { name, type } of specs) {
      expect(name).to.match(/^fdr_[a-z_]+$/)
      expect(name.endsWith('_total'), name).to.equal(type === 'counter')
    }
  })

  it('show counters that nobody has counted yet as 0', async () => {
    const metrics = createMetrics(['meta', 'twin24'])
    expect(await linesOf(metrics, 'fdr_webhooks_total{')).to.have.length(8)
    expect(await linesOf(metrics, 'fdr_events_total{outcome="parked"}')).to.deep.equal([
      'fdr_events_total{outcome="parked"} 0',
    ])
  })

  it('give names of their own to as many connections as they may, and add the rest up', async () => {
    const metrics = createMetrics()
    const { most } = metricTable.connectionSends.labels.connection
    for (let id = 1; id <= most + 5; id++) metrics.connectionSends.inc({ connection: String(id) })
    metrics.connectionSends.inc({ connection: '1' })
    const lines = await linesOf(metrics, 'fdr_connection_sends_total{')
    expect(lines).to.have.length(most + 1)
    expect(lines).to.include('fdr_connection_sends_total{connection="1"} 2')
    expect(lines).to.include('fdr_connection_sends_total{connection="other"} 5')
  })

  it('read gauges before they are shown, and bear a reading that fails', async () => {
    const metrics = createMetrics()
    metrics.onScrape(() => Promise.reject(new Error('the database is away')))
    metrics.onScrape(() => metrics.inFlight.set(3))
    expect(await linesOf(metrics, 'fdr_sends_in_flight')).to.deep.equal(['fdr_sends_in_flight 3'])
  })
})

describe('lanes in metrics', () => {
  const lane = (connectionId: number, waiting: number, isBreakerOpen = false): LaneReading => ({
    connectionId,
    waiting,
    isBreakerOpen,
    inFlight: 1,
    oldestSeconds: waiting,
  })

  it('are those in trouble, then the busiest; the others are added up', () => {
    const shown = shownLanes([lane(1, 5), lane(2, 50), lane(3, 0, true), lane(4, 7)], 2)
    expect([...shown.keys()]).to.deep.equal(['3', '2', 'other'])
    expect(shown.get('other')).to.deep.equal({ inFlight: 2, waiting: 12, oldestSeconds: 7, isBreakerOpen: false })
  })

  it('are there without any lane', () => expect([...shownLanes([], 2).keys()]).to.deep.equal(['other']))
})

describe('stages of a first message', () => {
  const at = new Date()
  const none = { sentAt: null, deliveredAt: null, readAt: null }

  it('are counted once, also those that the provider left out', () => {
    expect(newStages(none, { ...none, readAt: at })).to.deep.equal(['sent', 'delivered', 'read'])
    expect(newStages({ ...none, sentAt: at }, { ...none, sentAt: at, deliveredAt: at })).to.deep.equal(['delivered'])
    expect(newStages({ ...none, readAt: at }, { sentAt: at, deliveredAt: at, readAt: at })).to.deep.equal([])
  })
})

describe('a balance', () => {
  it('comes out even while everything is in hand or done, and shows what is lost', () => {
    const balance = createBalance()
    for (let count = 0; count < 5; count++) balance.in()
    balance.out(3)
    expect(balance.missing(2)).to.equal(0)
    expect(balance.missing(1)).to.equal(1)
    balance.out(3)
    expect(balance.missing(0)).to.equal(-1)
  })
})
