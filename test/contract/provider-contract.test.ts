import { expect } from 'chai'
import fc from 'fast-check'
import type { Agent } from 'undici'
import { failureKind } from '../../src/core/contract/failures.ts'
import type {
  HttpClient,
  OutgoingMessage,
  ProviderAdapter,
  ProviderConnection,
  ProviderDefinition,
  SendOutcome,
  WebhookRequest,
} from '../../src/core/contract/provider.ts'
import { providerById, providers } from '../../src/providers/index.ts'
import { createAgent, createHttpClient } from '../../src/providers/shared/http-client.ts'
import type { ProviderSamples, SampleAnswer } from './samples/provider-samples.ts'
import { samplesOf, samplesPath } from './samples/samples.ts'
import {
  answer,
  neverAnswer,
  resetConnection,
  type ScriptedServer,
  type SeenRequest,
  startScriptedServer,
} from './scripted-server.ts'

const messageOf = ({ content }: ProviderSamples): OutgoingMessage => ({
  phone: '+4915550001111',
  content,
  reference: 'ref-0123456789abcdef',
  reportUrl: 'https://gateway.example.com/webhooks/any/key',
})

const playing = (sample: SampleAnswer) => answer(sample.status, sample.body, sample.headers)

describe('provider registry', () => {
  it('finds a provider by its id and nothing by another word', () => {
    for (const provider of providers) expect(providerById(provider.id)).to.equal(provider)
    expect(providerById('constructor')).to.equal(undefined)
  })

  it('gives every provider an id and credential fields of its own', () => {
    expect(new Set(providers.map(({ id }) => id)).size).to.equal(providers.length)
    for (const { credentialFields, senderIdField } of providers) {
      const names: string[] = credentialFields.map(({ name }) => name)
      expect(new Set(names).size).to.equal(names.length)
      if (senderIdField) expect(names).to.include(senderIdField)
      expect(credentialFields.some(({ sensitive }) => sensitive)).to.equal(true)
    }
  })

  it('gives every provider what its capabilities promise', () => {
    const http = async () => ({ kind: 'unsent', reason: 'not part of this test' }) as const
    for (const { capabilities, templateFields = [], ...provider } of providers) {
      const adapter = provider.createAdapter({ http, settings: {} })
      expect(adapter.lookUp !== undefined, `${provider.id}: look-up`).to.equal(capabilities.looksUp)
      expect(adapter.poll !== undefined, `${provider.id}: polling`).to.equal(capabilities.looksUp)
      expect(templateFields.length > 0, `${provider.id}: fields`).to.equal(capabilities.templates === 'mapped')
      // Only what is addressed by a URL of its own may leave out whom it is for.
      expect(provider.senderIdField !== undefined, `${provider.id}: sender`).to.equal(
        capabilities.webhookProof === 'signature',
      )
    }
  })
})

for (const provider of providers) {
  const samples = await samplesOf(provider.id)
  describe(`${provider.id}: samples`, () => {
    it('are there', () => {
      expect(samples, `export "samples" from ${samplesPath(provider.id)}`).to.be.an('object')
    })
  })
  if (!samples) continue
  describe(`${provider.id}: sending`, () => sendingContract(provider, samples))
  describe(`${provider.id}: checking`, () => checkingContract(provider, samples))
  describe(`${provider.id}: webhook`, () => webhookContract(provider, samples))
  if (provider.capabilities.looksUp) describe(`${provider.id}: asking`, () => askingContract(provider, samples))
}

/** Silence is waited out; any answer comes, also on a busy machine. */
const silenceMs = 300
const answerMs = 10_000

/** An adapter that talks to a scripted server; both live for the tests of the enclosing `describe`. */
function useAdapter(provider: ProviderDefinition, samples: ProviderSamples) {
  const used = {} as { server: ScriptedServer; agent: Agent; adapter: ProviderAdapter; calls: () => SeenRequest[] }
  const isLogin = ({ url }: SeenRequest) => samples.login !== undefined && url.startsWith(samples.login.path)
  before(async () => {
    const { login } = samples
    const server = await startScriptedServer()
    let timeoutMs = answerMs
    const play: ScriptedServer['play'] = (script) => {
      timeoutMs = script === neverAnswer ? silenceMs : answerMs
      server.play((response, seen) => (login && isLogin(seen) ? playing(login.answer) : script)(response, seen))
    }
    used.server = { ...server, play }
    used.calls = () => server.seen.filter((seen) => !isLogin(seen))
    used.agent = createAgent()
    const client = createHttpClient({
      connectMs: answerMs,
      totalMs: answerMs,
      maxBytes: 65_536,
      dispatcher: used.agent,
    })
    const http: HttpClient = (request) => client({ ...request, timeoutMs })
    used.adapter = provider.createAdapter({ http, settings: samples.settings(used.server.url) })
  })
  after(async () => {
    await used.agent.destroy()
    await used.server.close()
  })
  return used
}

function connectionOf({ credentials, connection }: ProviderSamples): ProviderConnection {
  return { id: '1', credentials, ...connection }
}

function expectNoSecrets(value: unknown, provider: ProviderDefinition, samples: ProviderSamples): void {
  const text = JSON.stringify(value)
  for (const { name, sensitive } of provider.credentialFields) {
    const secret = samples.credentials[name]
    if (sensitive && secret) expect(text, name).not.to.contain(secret)
  }
}

function sendingContract(provider: ProviderDefinition, samples: ProviderSamples): void {
  const used = useAdapter(provider, samples)

  const send = async (): Promise<SendOutcome> => {
    const outcome = await used.adapter.send(messageOf(samples), connectionOf(samples))
    expectNoSecrets(outcome, provider, samples)
    return outcome
  }
  const failureOf = (outcome: SendOutcome) => {
    if (outcome.outcome === 'accepted') throw new Error('was accepted')
    const inDoubt = failureKind(outcome.failure.code).class === 'in_doubt'
    expect(outcome.outcome, outcome.failure.code).to.equal(inDoubt ? 'in_doubt' : 'refused')
    return outcome.failure
  }

  it('is accepted with the vendor id, and carries our reference', async () => {
    used.server.play(playing(samples.accepted))
    expect(await send()).to.include({ outcome: 'accepted', messageId: samples.accepted.messageId })
    expect(used.server.seen.map(({ body }) => body).join()).to.contain(messageOf(samples).reference)
  })

  it('puts no secret into a URL', async () => {
    used.server.play(playing(samples.accepted))
    await send()
    for (const { url } of used.server.seen) expectNoSecrets(url, provider, samples)
  })

  it('throttled: refused with the pace code and the wait asked for', async () => {
    used.server.play(playing(samples.throttled))
    expect(failureOf(await send())).to.include({ code: samples.throttled.code, retryAfterMs: 7000 })
  })

  it('refused credentials say so', async () => {
    used.server.play(playing(samples.credentialsRefused))
    expect(failureOf(await send())).to.include({ code: 'credentials_invalid' })
  })

  const doubts: [label: string, sample: SampleAnswer, code: string][] = [
    ["a server error in the vendor's own words", samples.serverError, 'provider_error'],
    ['a server error in words of a proxy', { status: 502, body: '<html>Bad gateway</html>' }, 'provider_error'],
    ['success without a message id', samples.acceptedWithoutId, 'answer_unreadable'],
    ['success with garbage', { status: 200, body: '{"messages":[{"id":' }, 'answer_unreadable'],
    ['success with nothing', { status: 200, body: '' }, 'answer_unreadable'],
    ['success with another shape', { status: 200, body: 'null' }, 'answer_unreadable'],
    ['a redirect', { status: 302, body: '', headers: { location: '/x' } }, 'answer_unreadable'],
  ]
  for (const [label, sample, code] of doubts) {
    it(`${label}: in doubt`, async () => {
      used.server.play(playing(sample))
      expect(failureOf(await send()).code).to.equal(code)
      expect(used.calls()).to.have.length(1)
    })
  }

  it('a time-out and a reset after the request was written: in doubt, tried once', async () => {
    for (const script of [neverAnswer, resetConnection]) {
      used.server.play(script)
      expect(failureOf(await send()).code).to.equal('no_answer')
      expect(used.calls()).to.have.length(1)
    }
  })

  it('nobody there: refused, because provably not sent', async () => {
    const http = createHttpClient({ connectMs: answerMs, totalMs: answerMs, maxBytes: 10, dispatcher: used.agent })
    const unreachable = provider.createAdapter({ http, settings: samples.settings('http://127.0.0.1:1') })
    const outcome = await unreachable.send(messageOf(samples), connectionOf(samples))
    expect(failureOf(outcome).code).to.equal('connection_unreachable')
  })

  it('a vendor that repeats a secret in its words does not get it into the outcome', async () => {
    for (const { name } of provider.credentialFields.filter(({ sensitive }) => sensitive)) {
      used.server.play(playing(samples.refusalThatRepeats(samples.credentials[name] ?? name)))
      expect(failureOf(await send()).detail).to.contain('***')
    }
  })
}

function checkingContract(provider: ProviderDefinition, samples: ProviderSamples): void {
  const used = useAdapter(provider, samples)
  const scripts = {
    'refused credentials': playing(samples.credentialsRefused),
    'a server error': playing(samples.serverError),
    garbage: answer(200, '<html>'),
    silence: neverAnswer,
  }
  for (const [label, script] of Object.entries(scripts)) {
    it(`${label}: at least one finding with a way to repair it, and no secret`, async () => {
      used.server.play(script)
      const checks = await used.adapter.check(connectionOf(samples))
      const findings = checks.filter(({ ok }) => !ok)
      expect(findings).not.to.have.length(0)
      for (const finding of findings) expect(finding.fix, finding.name).to.be.a('string').and.not.equal('')
      expectNoSecrets(checks, provider, samples)
    })
  }
}

function askingContract(provider: ProviderDefinition, samples: ProviderSamples): void {
  const used = useAdapter(provider, samples)
  const polled = {
    messageId: 'm-1',
    reference: 'ref-0123456789abcdef',
    acceptedAt: new Date(),
    awaitsResultOnly: false,
  }
  const scripts = {
    'refused credentials': playing(samples.credentialsRefused),
    throttling: playing(samples.throttled),
    'a server error': playing(samples.serverError),
    garbage: answer(200, '<html>'),
    'an empty answer': answer(200, ''),
    'another shape': answer(200, 'null'),
    silence: neverAnswer,
    'a reset': resetConnection,
  }
  for (const [label, script] of Object.entries(scripts)) {
    it(`${label}: nothing is known of a message, neither that it is there nor that it is not`, async () => {
      used.server.play(script)
      const said = await used.adapter.lookUp?.(polled.reference, connectionOf(samples))
      expect(said?.result).to.equal('not_known')
      expect(await used.adapter.poll?.([polled], connectionOf(samples), new Date())).to.deep.equal([])
      expectNoSecrets(said, provider, samples)
    })
  }
}

function webhookContract(provider: ProviderDefinition, samples: ProviderSamples): void {
  const http = async () => ({ kind: 'unsent', reason: 'not part of this test' }) as const
  const adapter = provider.createAdapter({ http, settings: {} })
  const connection = connectionOf(samples)
  const parts = (body: Buffer) => adapter.parse(body, [connection]).map(({ part }) => part)

  it('reads a report and a reply, addressed to our sender', () => {
    const events = adapter.parse(samples.webhook, [connection])
    expect(events.map(({ part }) => part.type)).to.deep.equal(['report', 'reply'])
    for (const { senderId } of events) expect(senderId).to.equal(samples.credentials[provider.senderIdField ?? ''])
    expect(events[0]?.part).to.include({ status: 'delivered' })
  })

  it('reads the same bytes the same way, however often', () => {
    expect(adapter.parse(samples.webhook, [connection])).to.deep.equal(adapter.parse(samples.webhook, [connection]))
  })

  it('keeps a status it does not know, without a meaning', () => {
    const [part] = parts(samples.unknownStatus)
    expect(part).to.include({ type: 'report', vendorStatus: 'teleported' }).and.not.have.property('status')
  })

  const { unknownType } = samples
  if (unknownType) {
    it('keeps a reply of a type it does not know', () => {
      expect(parts(unknownType)[0]).to.include({ type: 'reply', replyType: 'hologram' })
    })
  }

  it('parks what it cannot read and keeps the siblings', () => {
    expect(parts(samples.oneBad).map(({ type }) => type)).to.deep.equal(['unreadable', 'report'])
  })

  it('says so when the whole body cannot be read', () => {
    for (const body of ['', 'null', '[]', '"x"', '{', '\u0000\u0001']) {
      expect(() => adapter.parse(Buffer.from(body), [connection]), body).to.throw(SyntaxError)
    }
  })

  it('throws nothing but that the body cannot be read, whatever it is', () => {
    const anything = fc.oneof(fc.json(), fc.string(), broken(samples.webhook.toString()))
    fc.assert(
      fc.property(anything, (text) => {
        try {
          expect(adapter.parse(Buffer.from(text), [connection])).to.be.an('array')
        } catch (error) {
          expect(error).to.be.instanceOf(SyntaxError)
        }
      }),
      { numRuns: 500 },
    )
  })

  const { sign } = samples
  it('has a proof of origin as its capabilities say', () => {
    expect(sign !== undefined).to.equal(provider.capabilities.webhookProof === 'signature')
    // Without a signature only the URL of exactly one connection vouches for a call.
    const ofNobody = adapter.verify({ headers: {}, body: samples.webhook }, [])
    const ofTwo = adapter.verify({ headers: {}, body: samples.webhook }, [connection, { ...connection, id: '2' }])
    expect([ofNobody, ofTwo]).to.deep.equal([false, false])
  })
  if (sign) signatureContract(adapter, connection, samples, sign)
}

/** A sound body with a piece of it replaced. */
const broken = (text: string) =>
  fc
    .record({ at: fc.nat({ max: text.length }), length: fc.nat({ max: 40 }), by: fc.oneof(fc.string(), fc.json()) })
    .map(({ at, length, by }) => text.slice(0, at) + by + text.slice(at + length))

function signatureContract(
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
