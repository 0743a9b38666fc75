import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { readFdrEvent } from '../../src/core/notifications/kinds/fdr-event.ts'
import { loadReasons, reasonOf } from '../../src/core/notifications/reason.ts'

const path = fileURLToPath(new URL('../../config/reasons.yaml', import.meta.url))
const table = loadReasons(path)

const codes: readonly [code: number, key: string, notify: boolean][] = [
  [1, 'customer_unavailable', true],
  [2, 'rejected_by_customer', true],
  [3, 'delivery_rescheduled', true],
  [4, 'no_attempt', false],
  [5, 'customer_unreachable', true],
  [6, 'address_issue', true],
  [7, 'payment_issue', true],
  [8, 'out_of_delivery_area', true],
  [9, 'already_cancelled', false],
  [10, 'self_collect', false],
  [11, 'shipment_seized', false],
  [12, 'open_delivery', true],
  [13, 'misrouted', false],
  [14, 'otp_cancellation', true],
  [15, 'otp_mismatch', false],
  [16, 'appointment_needed', false],
  [17, 'delayed', false],
  [18, 'exception', false],
]

const remarks: readonly [remark: string, key: string | undefined][] = [
  ['code verified cancellation', 'otp_cancellation'],
  ['Code Verified Cancelation', 'otp_cancellation'],
  ['Order cancelled by customer through OTP', 'otp_cancellation'],
  ['OTP not shared by customer', 'otp_mismatch'],
  ['Consignee wants open delivery', 'open_delivery'],
  ['Customer wants to open parcel before payment', 'open_delivery'],
  ['Customer will self collect from hub', 'self_collect'],
  ['Order already cancelled', 'already_cancelled'],
  ['Not attempted', 'no_attempt'],
  ['Shipment misrouted to another hub', 'misrouted'],
  ['Customer asked for future delivery', 'delivery_rescheduled'],
  ['Rescheduled by consignee', 'delivery_rescheduled'],
  ['Customer requested delivery on another day', 'delivery_rescheduled'],
  ['COD amount not ready', 'payment_issue'],
  ['Customer refused to pay COD amount', 'payment_issue'],
  ['No cash available', 'payment_issue'],
  ['Out of delivery area', 'out_of_delivery_area'],
  ['ODA location', 'out_of_delivery_area'],
  ['Pincode not serviceable', 'out_of_delivery_area'],
  ['Incomplete address', 'address_issue'],
  ['Address incorrect, landmark needed', 'address_issue'],
  ['Unable to locate the house', 'address_issue'],
  ['Wrong phone number', 'customer_unreachable'],
  ['Customer phone switched off', 'customer_unreachable'],
  ['Consignee not reachable', 'customer_unreachable'],
  ['Call not answered', 'customer_unreachable'],
  ['Customer refused to accept', 'rejected_by_customer'],
  ['Rejected at door', 'rejected_by_customer'],
  ['Customer cancelled on call', 'rejected_by_customer'],
  ['Customer does not want the product', 'rejected_by_customer'],
  ['Customer not available', 'customer_unavailable'],
  ['Consignee   unavailable\nat the address', 'customer_unavailable'],
  ['Door locked', 'customer_unavailable'],
  ['Office closed', 'customer_unavailable'],
  ['Delayed due to heavy rain', 'delayed'],
  ['Out for delivery', undefined],
  ['Shipment received at facility', undefined],
]

describe('reason of a failed delivery', () => {
  for (const [ndrCode, key, notify] of codes) {
    it(`code ${ndrCode} is ${key}`, () =>
      expect(reasonOf({ ndrCode, ndrDescription: 'Exception', remarks: 'refused' }, table)).to.deep.equal({
        key,
        notify,
        from: 'code',
      }))
  }
  it('knows no other codes', () =>
    expect(table.reasons.map(({ code }) => code)).to.have.members(codes.map(([code]) => code)))

  for (const { description, key } of table.reasons) {
    it(`"${description}" is ${key}, however it is written`, () => {
      for (const ndrDescription of [
        description,
        description.toUpperCase(),
        ` ${description.replace(/[-()]/g, ' ')} `,
      ]) {
        expect(reasonOf({ ndrDescription, remarks: 'Incomplete address' }, table)).to.include({
          key,
          from: 'description',
        })
      }
    })
  }

  for (const [remark, key] of remarks) {
    it(`remark "${remark}" is ${key ?? 'no reason'}`, () => {
      expect(reasonOf({ remarks: remark }, table)?.key).to.equal(key)
      if (key) expect(reasonOf({ remarks: remark }, table)?.from).to.equal('remark')
    })
  }

  it('falls from an unknown code to the description, then to the remark', () => {
    const clues = { ndrCode: 99, ndrDescription: 'Address issue', remarks: 'Door locked' }
    expect(reasonOf(clues, table)).to.include({ key: 'address_issue', from: 'description' })
    expect(reasonOf({ ...clues, ndrDescription: 'Undelivered' }, table)).to.include({
      key: 'customer_unavailable',
      from: 'remark',
    })
    expect(reasonOf({ ...clues, ndrDescription: 'Undelivered', remarks: undefined }, table)).to.equal(undefined)
  })

  it('reads a description in other words by the patterns', () =>
    expect(reasonOf({ ndrDescription: 'Wrong address given' }, table)).to.include({
      key: 'address_issue',
      from: 'description',
    }))

  it('every reason that is told has a pattern', () => {
    const covered = new Set(table.patterns.map(({ reason }) => reason.key))
    expect(table.reasons.filter(({ key, notify }) => notify && !covered.has(key))).to.deep.equal([])
  })

  it('searches only the beginning of a very long remark', () => {
    expect(reasonOf({ remarks: `${'x '.repeat(200)}refused` }, table)?.key).to.equal('rejected_by_customer')
    expect(reasonOf({ remarks: `${'x '.repeat(300)}refused` }, table)?.key).to.equal(undefined)
  })

  it('finds the reason of the real event, also without its code and description', () => {
    const reading = readFdrEvent(
      JSON.parse(readFileSync(new URL('../fixtures/fdr-event.json', import.meta.url), 'utf8')),
    )
    if (!reading.ok) throw new Error(reading.detail)
    const { fdr } = reading
    const found = [fdr, { ...fdr, ndrCode: undefined }, { remarks: fdr.remarks }].map((clues) => reasonOf(clues, table))
    expect(found.map((reason) => reason?.key)).to.deep.equal(Array(3).fill('otp_cancellation'))
    expect(found.map((reason) => reason?.from)).to.deep.equal(['code', 'description', 'remark'])
  })
})

describe('reason table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reasons-'))
  after(() => rmSync(folder, { recursive: true }))
  const load = (yaml: string) => () => {
    const file = join(folder, 'reasons.yaml')
    writeFileSync(file, yaml)
    return loadReasons(file)
  }

  it('names every problem at once', () => {
    const yaml = `
reasons:
  - { key: a, code: 1, description: First, notify: true, buttons: [cancel, cancel] }
  - { key: a, code: 1, description: FIRST, notify: true }
patterns:
  - { reason: b, pattern: x }
  - { reason: a, pattern: '(' }
`
    expect(load(yaml)).to.throw(
      Error,
      /reason a stands there twice[\s\S]*code 1 [\s\S]*"first" [\s\S]*button cancel twice[\s\S]*a: notify without buttons[\s\S]*no reason b[\s\S]*\( is no regular expression/,
    )
  })

  it('names every wrong field', () => {
    const yaml = `
reasons:
  - { key: Bad Key, code: '1', description: '', notify: maybe, buttons: [explode], colour: red }
patterns: []
`
    expect(load(yaml)).to.throw(
      Error,
      /reasons\.0\.key[\s\S]*reasons\.0\.code[\s\S]*reasons\.0\.description[\s\S]*reasons\.0\.notify[\s\S]*reasons\.0\.buttons\.0[\s\S]*colour/,
    )
  })

  it('refuses what is no YAML and a file that is not there', () => {
    expect(load('reasons: [')).to.throw(Error, /cannot be used/)
    expect(() => loadReasons(join(folder, 'absent.yaml'))).to.throw(Error, /absent\.yaml/)
  })
})
