/** One message: the request, and what each answer means. */

import { expect } from 'chai'
import type { Content } from '../../../src/core/contract/content.ts'
import { failureKind } from '../../../src/core/contract/failures.ts'
import type { ProviderDefinition, SendOutcome } from '../../../src/core/contract/provider.ts'
import { createHttpClient } from '../../../src/providers/shared/http-client.ts'
import type { ProviderSamples, SampleAnswer } from '../samples/provider-samples.ts'
import { neverAnswer, resetConnection } from '../scripted-server.ts'
import { answerMs, connectionOf, expectNoSecrets, messageOf, playing, useAdapter } from './support.ts'

export function sendingContract(provider: ProviderDefinition, samples: ProviderSamples): void {
  const used = useAdapter(provider, samples)

  const send = async (message = messageOf(samples)): Promise<SendOutcome> => {
    const outcome = await used.adapter.send(message, connectionOf(samples))
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

  for (const request of samples.requests) {
    it(`asks for ${request.content.type} with exactly this request`, async () => {
      used.server.play(playing(samples.accepted))
      await send({ ...messageOf(samples), content: request.content })
      const [seen, ...others] = used.calls()
      expect(others).to.deep.equal([])
      expect([seen?.method, seen?.url]).to.deep.equal(['POST', request.path])
      expect(seen?.headers).to.include(request.headers)
      expect(JSON.parse(seen?.body ?? '')).to.deep.equal(request.body)
    })
  }

  it('has a request for each kind of content that its capabilities name, and refuses the others unasked', async () => {
    const known = new Set(samples.requests.map(({ content }) => content.type))
    const kinds = ['template', ...(provider.capabilities.freeForm ? ['text', 'buttons', 'link'] : [])]
    expect([...known]).to.have.members(kinds)
    used.server.play(playing(samples.accepted))
    for (const content of anyContent.filter(({ type }) => !known.has(type)))
      expect(failureOf(await send({ ...messageOf(samples), content })).code).to.equal('request_invalid')
    expect(used.calls()).to.deep.equal([])
  })

  it('refuses a message to nobody unasked', async () => {
    used.server.play(playing(samples.accepted))
    const { phone: _, ...toNobody } = messageOf(samples)
    expect(failureOf(await send(toNobody)).code).to.equal('request_invalid')
    expect(used.calls()).to.deep.equal([])
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

  it('refused or expired credentials say so', async () => {
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
    ['success larger than anybody reads', { status: 200, body: ' '.repeat(100_000) }, 'no_answer'],
    ['a redirect', { status: 302, body: '', headers: { location: '/x' } }, 'answer_unreadable'],
  ]
  for (const [label, sample, code] of doubts) {
    it(`${label}: in doubt`, async () => {
      used.server.play(playing(sample))
      expect(failureOf(await send()).code).to.equal(code)
      expect(used.calls()).to.have.length(1)
    })
  }

  const { itemError } = samples
  if (itemError) {
    it('the failure of its one message inside a success: refused', async () => {
      used.server.play(playing(itemError))
      expect(failureKind(failureOf(await send()).code).class).to.equal('refused_message')
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

/** One of each kind. */
const anyContent: readonly Content[] = [
  { type: 'template', template: { name: 't', language: 'en' }, values: {}, buttons: [] },
  { type: 'text', text: 'Hello' },
  { type: 'buttons', text: 'Hello', buttons: [{ id: 'a', title: 'A' }] },
  { type: 'link', text: 'Hello', title: 'A', url: 'https://example.com' },
]
