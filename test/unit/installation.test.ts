import { expect } from 'chai'
import { installationFindings } from '../../src/core/doctor/installation.ts'

const good = {
  databaseProblem: undefined,
  brokerProblem: undefined,
  publicUrl: 'https://gateway.example.com',
  ndrApiUrl: 'https://ndr.example.com',
  isEnabled: true,
}

const faults: [label: string, changes: Partial<typeof good> | object, name: string, says: RegExp][] = [
  ['no database', { databaseProblem: 'ECONNREFUSED' }, 'database', /cannot be used: ECONNREFUSED/],
  ['no broker', { brokerProblem: 'ECONNREFUSED' }, 'broker', /cannot be reached/],
  ['no public URL', { publicUrl: undefined }, 'public URL', /no webhook can come in/],
  ['a public URL without https', { publicUrl: 'http://localhost:8080' }, 'public URL', /https only/],
  ['no courier side', { ndrApiUrl: undefined }, 'courier side', /told to nobody/],
  ['the switch off', { isEnabled: false }, 'switch', /switched off/],
]

describe('findings about the installation', () => {
  it('are all good where everything is there', () =>
    expect(installationFindings(good).filter(({ ok }) => !ok)).to.deep.equal([]))

  it('do not miss a broker that nobody configured', () =>
    expect(installationFindings({ ...good, brokerProblem: null }).every(({ ok }) => ok)).to.equal(true))

  for (const [label, changes, name, says] of faults)
    it(`name ${label}`, () => {
      const bad = installationFindings({ ...good, ...changes }).filter(({ ok }) => !ok)
      expect(bad.map((finding) => finding.name)).to.deep.equal([name])
      expect(bad[0]?.detail).to.match(says)
      expect(bad[0]?.fix).to.be.a('string')
    })
})
