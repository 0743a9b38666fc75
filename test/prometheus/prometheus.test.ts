import { expect } from 'chai'
import { ensurePrometheus } from '../../scripts/services/prometheus.ts'
import { type LabelValues, metricTable } from '../../src/core/observe/metric-table.ts'
import { providers } from '../../src/providers/index.ts'
import { alertRules, metricsIn, panelQueries } from '../support/observability.ts'
import type { GatewayProcess } from '../support/process.ts'
import { type Prometheus, type Series, startPrometheus } from '../support/prometheus.ts'
import { GatewayDown, provocations, type Stage, tell } from '../support/provocations.ts'
import { aCustomer, eventFor } from '../support/stories.ts'
import { prepareSurroundings, type Surroundings } from '../support/surroundings.ts'
import { adminKey, until } from '../support/world.ts'

/** Also on a busy machine. */
const patienceMs = 240_000
const healthySeconds = 20

describe('Prometheus on a gateway', function () {
  this.timeout(2 * patienceMs)
  let around: Surroundings
  let gateway: GatewayProcess
  let prometheus: Prometheus
  let stage: Stage
  let startedMs: number

  before(async () => {
    await ensurePrometheus()
    around = await prepareSurroundings()
    await around.broker.bindActivity()
    gateway = await around.gateway()
    prometheus = await startPrometheus({ target: new URL(gateway.url).host, adminKey })
    stage = { around, gateway, prometheus }
    await until('it scrapes', async () => (await prometheus.query('up'))[0]?.values[0] === 1, patienceMs)
    startedMs = Date.now()
    await useIt()
  })
  after(async () => {
    await prometheus?.stop()
    await around?.close()
  })

  it('knows every metric that a panel or an alert names', async () => {
    const known = await prometheus.metricNames()
    const named = [...panelQueries(), ...alertRules()].flatMap(({ expr }) => metricsIn(expr))
    // Prometheus makes it itself, with the first alert.
    expect(named.filter((name) => !known.has(name) && name !== 'ALERTS')).to.deep.equal([])
  })

  it('has data for every panel', async () => {
    const seconds = Math.ceil((Date.now() - startedMs) / 1_000)
    const empty: string[] = []
    for (const { dashboard, panel, expr } of panelQueries()) {
      const found = await prometheus.queryRange(withValues(expr, seconds), seconds)
      const shown = found.filter(({ values }) => values.length > 0)
      if (shown.length === 0) empty.push(`${dashboard} / ${panel}: ${expr}`)
      console.log(`      ${shown.length} series  ${dashboard} / ${panel}: ${expr}`)
    }
    expect(empty).to.deep.equal([])
  })

  it('shows no label value that is not in the table', async () => {
    const series = await prometheus.query('{__name__=~"fdr_.+"}')
    expect(series.length).to.be.above(100)
    expect(series.flatMap(({ metric }) => strangeLabels(metric))).to.deep.equal([])
  })

  it('sees the whole funnel', async () => {
    for (const reached of ['queued', 'sent', 'delivered', 'read', 'decided']) {
      const [series] = await prometheus.query(`sum(fdr_first_messages_total{stage="${reached}"})`)
      expect(series?.values[0], reached).to.be.above(0)
    }
  })

  it('has nothing to alert about while all is well', async () => {
    expect([...(await prometheus.firing())]).to.deep.equal([])
  })

  describe('in trouble', () => {
    before(async () => {
      for (const provoke of Object.values(provocations)) await provoke(stage)
    })

    for (const { alert } of alertRules().filter((rule) => rule.alert !== 'GatewayDown'))
      it(`fires ${alert}`, () => untilFiring(alert))

    it('fires GatewayDown', async () => {
      await GatewayDown(stage)
      await untilFiring('GatewayDown')
    })
  })

  const untilFiring = (alert: string) =>
    until(`${alert} fires`, async () => (await prometheus.firing()).has(alert), patienceMs)

  /** Two conversations to their ends, and some messages more, until everything has been scraped a few times. */
  async function useIt(): Promise<void> {
    for (let told = 0; told < 2; told++) await decide()
    await until('decisions are pushed', () => around.provider.ndrCalls().length === 2)
    await until('the state of the tables is read again', async () => {
      await tell(stage, 379)
      return Date.now() - startedMs > healthySeconds * 1_000
    })
    await around.provider.idle()
    await until('everything is published and scraped', async () => {
      const [left] = await prometheus.query('max(fdr_activity_unpublished)')
      return left?.values[0] === 0
    })
  }

  /** A customer chooses to have the order cancelled. */
  async function decide(): Promise<void> {
    const customer = aCustomer()
    await around.broker.publish(eventFor(customer, { reason: 'rejected_by_customer' }))
    const message = await until('the customer is told', () =>
      around.provider.accepted().find(({ to }) => to === customer.waId),
    )
    await around.provider.idle()
    await around.provider.tap(message.wamid, { title: 'Cancel my order' })
  }
})

/** What Prometheus adds to each series, and to those of a histogram. */
const added = new Set(['__name__', 'instance', 'job', 'le'])

function strangeLabels({ __name__: name = '', ...labels }: Series['metric']): string[] {
  const spec = Object.values(metricTable).find((known) => known.name === name.replace(/_(bucket|count|sum)$/, ''))
  const sets: Readonly<Record<string, LabelValues>> = spec?.labels ?? {}
  return Object.entries(labels)
    .filter(([label]) => !added.has(label))
    .filter(([label, value]) => !isKnown(sets[label], value))
    .map(([label, value]) => `${name} ${label}=${value}`)
}

function isKnown(values: LabelValues | undefined, value: string): boolean {
  if (values === undefined) return false
  if ('most' in values) return /^(\d+|other)$/.test(value)
  if ('fixedBy' in values) return values.fixedBy !== 'providers' || providers.some(({ id }) => id === value)
  return values.includes(value)
}

/** As Grafana fills them in. */
const withValues = (expr: string, seconds: number): string =>
  expr
    .replaceAll('$__rate_interval', `${seconds}s`)
    .replaceAll('$__range', `${seconds}s`)
    .replaceAll(/"\$\w+"/g, '".*"')
