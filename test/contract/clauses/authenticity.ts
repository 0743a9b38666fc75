/** Whom a webhook is from: by a signature, or by what the vendor was told to send along. */

import { expect } from 'chai'
import type {
  ProviderAdapter,
  ProviderConnection,
  ProviderDefinition,
  WebhookRequest,
} from '../../../src/core/contract/provider.ts'
import type { ProviderSamples } from '../samples/provider-samples.ts'

/** What the vendor was told to send along proves the origin where the connection names it. */
export function headersContract(
  provider: ProviderDefinition,
  adapter: ProviderAdapter,
  connection: ProviderConnection,
  samples: ProviderSamples,
  genuine: WebhookRequest['headers'],
): void {
  const verify = (headers: WebhookRequest['headers'], credentials = connection.credentials) =>
    adapter.verify({ headers, body: samples.webhook }, [{ ...connection, credentials }])
  const paired = provider.credentialFields.filter(({ togetherWith }) => togetherWith !== undefined)
  const without = (...names: string[]) =>
    Object.fromEntries(Object.entries(connection.credentials).filter(([name]) => !names.includes(name)))
  const [[headerName, value] = ['', '']] = Object.entries(genuine)
  const given = String(value)

  it('accepts what brings the headers along', () => expect(verify(genuine)).to.equal(true))

  it('asks for none where the connection names none, and takes nothing where it names only half of it', () => {
    expect(verify({}, without(...paired.map(({ name }) => name)))).to.equal(true)
    for (const { name } of paired)
      for (const headers of [genuine, {}]) expect(verify(headers, without(name)), `without ${name}`).to.equal(false)
  })

  const wrong: [label: string, headers: WebhookRequest['headers']][] = [
    ['no header', {}],
    ['an empty header', { [headerName]: '' }],
    ['one character less', { [headerName]: given.slice(0, -1) }],
    ['one character more', { [headerName]: `${given}A` }],
    [
      'another character',
      { [headerName]: given.replace(/.(=*)$/, (end) => (end.startsWith('A') ? 'B' : 'A') + end.slice(1)) },
    ],
    ['the scheme alone', { [headerName]: given.replace(/ .*/, ' ') }],
    ['another scheme', { [headerName]: given.replace(/^\w+/, 'Bearer') }],
    ['the value in another header', { 'x-authorization': given }],
    ['the value of nobody', { [headerName]: `Basic ${Buffer.from(':').toString('base64')}` }],
  ]
  for (const [label, headers] of wrong) {
    it(`refuses ${label}`, () => expect(verify(headers)).to.equal(false))
  }
}

export function signatureContract(
  adapter: ProviderAdapter,
  connection: ProviderConnection,
  samples: ProviderSamples,
  sign: NonNullable<ProviderSamples['sign']>,
): void {
  const body = samples.webhook
  const secretOf = (field: string | undefined) => connection.credentials[field ?? ''] ?? ''
  const genuine = sign(body, secretOf(samples.secretFields[0]))
  const [[headerName, signature] = ['', '']] = Object.entries(genuine)
  const given = String(signature)
  const verify = (headers: WebhookRequest['headers'], bytes = body, connections = [connection]) =>
    adapter.verify({ headers, body: bytes }, connections)

  it('accepts what is signed with a present or previous secret of any connection given', () => {
    const others = Object.fromEntries(samples.secretFields.map((field, index) => [field, index === 0 ? 'another' : '']))
    const stranger = { id: '2', credentials: { ...connection.credentials, ...others } }
    for (const field of samples.secretFields) {
      expect(verify(sign(body, secretOf(field)), body, [stranger, connection]), field).to.equal(true)
    }
    expect(verify(genuine, body, [stranger])).to.equal(false)
  })

  it('refuses a changed body, and everything when there is no connection', () => {
    expect(verify(genuine, Buffer.concat([body, Buffer.from(' ')]))).to.equal(false)
    expect(verify(genuine, Buffer.alloc(0))).to.equal(false)
    expect(verify(genuine, body, [])).to.equal(false)
  })

  it('does not take an empty or absent secret for one', () => {
    const empty = Object.fromEntries(samples.secretFields.map((field) => [field, '']))
    expect(verify(sign(body, ''), body, [{ id: '1', credentials: empty }])).to.equal(false)
    expect(verify(sign(body, ''), body, [{ id: '1', credentials: {} }])).to.equal(false)
  })

  const wrong: [label: string, headers: WebhookRequest['headers']][] = [
    ['no header', {}],
    ['an empty header', { [headerName]: '' }],
    ['one digit less', { [headerName]: given.slice(0, -1) }],
    ['one digit more', { [headerName]: `${given}0` }],
    ['two digits more', { [headerName]: `${given}00` }],
    ['no prefix', { [headerName]: given.replace(/^.*=/, '') }],
    ['upper-case hex', { [headerName]: given.replace(/=.*/, (hex) => hex.toUpperCase()) }],
    ['no hex', { [headerName]: given.replace(/=.*/, `=${'z'.repeat(64)}`) }],
    ['a line break at the end', { [headerName]: `${given}\n` }],
    ['another digit', { [headerName]: given.slice(0, -1) + (given.endsWith('0') ? '1' : '0') }],
    ['the header twice', { [headerName]: [given, given] }],
    ['only the old SHA-1 header', { 'x-hub-signature': 'sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709' }],
    ['the value in the SHA-1 header', { 'x-hub-signature': given }],
  ]
  // What has no prefix or no hex is the same without.
  for (const [label, headers] of wrong.filter((candidate) => candidate[1][headerName] !== given)) {
    it(`refuses ${label}`, () => expect(verify(headers)).to.equal(false))
  }
}
