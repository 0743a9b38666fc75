import { expect } from 'chai'
import { ensurePrometheus } from '../../scripts/services/prometheus.ts'
import { prometheusDir, promtool } from '../support/prometheus.ts'

describe('config/prometheus, by promtool', function () {
  this.timeout(300_000)
  before(() => ensurePrometheus())

  it('has rules that are well formed', async () => {
    expect(await promtool('check', 'rules', `${prometheusDir}/rules.yml`)).to.contain('SUCCESS')
  })

  it('has rules that fire when they should and only then', async () => {
    expect(await promtool('test', 'rules', `${prometheusDir}/rules.test.yml`)).to.contain('SUCCESS')
  })

  it('has a configuration that is well formed', async () => {
    const args = ['check', 'config', '--syntax-only', `${prometheusDir}/prometheus.yml`]
    expect(await promtool(...args)).to.contain('is valid prometheus config file syntax')
  })
})
