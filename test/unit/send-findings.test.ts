import { expect } from 'chai'
import { sendFindings } from '../../src/core/doctor/send-findings.ts'

const reports = (accepted: number, unreported: number) =>
  sendFindings({ accepted, unreported, billingProblemAt: undefined, acceptedAt: undefined })[0]

describe('what the newest messages show of reports', () => {
  it('claims nothing while messages are too young to be reported about', () => {
    expect(reports(0, 0)).to.include({ name: 'reports', ok: true })
    expect(reports(0, 0)?.detail).to.match(/more than 10 minutes ago/)
  })

  it('is well while most are reported about, and not when half are not', () => {
    expect(reports(6, 0)?.ok).to.equal(true)
    expect(reports(6, 2)?.ok).to.equal(true)
    expect(reports(6, 3)?.ok).to.equal(false)
  })

  it('judges a few by all of them', () => expect(reports(4, 1)?.ok).to.equal(false))
})
