import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { metricTable } from '../../src/core/observe/metric-table.ts'
import { configDir } from '../../src/paths.ts'
import { alertRules, dashboards, metricsIn, panelQueries } from '../support/observability.ts'
import { inFasterTime } from '../support/prometheus.ts'

const declared = new Map(Object.values(metricTable).map((spec) => [spec.name as string, spec.type]))
/** Without what a histogram adds to its name. */
const baseOf = (name: string) => (declared.has(name) ? name : name.replace(/_(bucket|count|sum)$/, ''))
const ours = (expr: string) => metricsIn(expr).filter((name) => name.startsWith('fdr_'))

describe('dashboards', () => {
  it('show every metric of the table somewhere, and none that is not in it', () => {
    const shown = new Set(panelQueries().flatMap(({ expr }) => ours(expr).map(baseOf)))
    expect([...shown].sort()).to.deep.equal([...declared.keys()].sort())
  })

  it('ask the data source that is provisioned, and have each an id of their own', () => {
    const file = join(configDir, 'grafana/provisioning/datasources/prometheus.yaml')
    const { datasources } = parse(readFileSync(file, 'utf8')) as { datasources: { uid: string }[] }
    const asked = dashboards().flatMap(({ panels }) =>
      panels.flatMap(({ targets = [] }) => targets.map(({ datasource }) => datasource.uid)),
    )
    expect([...new Set(asked)]).to.deep.equal(datasources.map(({ uid }) => uid))
    const uids = dashboards().map(({ uid }) => uid)
    expect(new Set(uids).size).to.equal(uids.length)
  })

  it('need no plugin', () => {
    const types = new Set(dashboards().flatMap(({ panels }) => panels.map(({ type }) => type)))
    expect([...types]).to.have.members(['stat', 'bargauge', 'timeseries', 'row'])
  })
})

describe('alert rules', () => {
  const page = readFileSync(join(configDir, '../docs/operations.md'), 'utf8')

  for (const { alert, expr, annotations, labels } of alertRules()) {
    it(`${alert} names declared metrics and has a chapter in its runbook`, () => {
      for (const name of ours(expr)) expect(declared.has(name), name).to.equal(true)
      expect(annotations.runbook_url).to.equal(`docs/operations.md#${alert.toLowerCase()}`)
      expect(page).to.contain(`\n### ${alert}\n`)
      expect(labels.severity).to.be.oneOf(['critical', 'warning'])
    })
  }

  it('send whoever reads the runbook to routes that there are', () => {
    const routes = readFileSync('src/http/routes.ts', 'utf8')
    const calls = [...page.matchAll(/`(GET|POST|PATCH|PUT|DELETE) (\/[\w/{}-]+)`/g)]
    expect(calls.length).to.be.above(5)
    for (const [call, method = '', path = ''] of calls) {
      const row = `{ method: '${method.toLowerCase()}',`
      const isThere = routes
        .split('\n')
        .some((line) => line.includes(row) && line.includes(`'${path.replace(/\{(\w+)\}/g, ':$1')}'`))
      expect(isThere, call).to.equal(true)
    }
  })

  it('become faster in everything that is a time', () => {
    const rules = 'increase(x[30m]) > 5 * 60\nfor: 2m'
    expect(inFasterTime(rules)).to.equal('increase(x[120s]) > 5 * 4\nfor: 8s')
  })
})
