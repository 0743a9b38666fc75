/** Webhooks: what their parts mean, and what their capabilities promise. */

import { expect } from 'chai'
import fc from 'fast-check'
import type { DeliveryReport } from '../../../src/core/contract/events.ts'
import type { ProviderDefinition } from '../../../src/core/contract/provider.ts'
import { type ProviderSamples, reference } from '../samples/provider-samples.ts'
import { headersContract, signatureContract } from './authenticity.ts'
import { connectionOf } from './support.ts'

const receivedAt = new Date('2026-06-20T06:30:00.000Z')

export function webhookContract(provider: ProviderDefinition, samples: ProviderSamples): void {
  const http = async () => ({ kind: 'unsent', reason: 'not part of this test' }) as const
  const adapter = provider.createAdapter({ http, settings: {} })
  const connection = connectionOf(samples)
  const parts = (body: Buffer) => adapter.parse(body, [connection], receivedAt).map(({ part }) => part)

  it('reads a report and a reply, addressed to our sender', () => {
    const events = adapter.parse(samples.webhook, [connection], receivedAt)
    expect(events.map(({ part }) => part.type)).to.deep.equal(['report', 'reply'])
    for (const { senderId } of events) expect(senderId).to.equal(samples.credentials[provider.senderIdField ?? ''])
    expect(events[0]?.part).to.include({ status: 'delivered' })
  })

  it('reads the same bytes the same way, however often', () => {
    expect(parts(samples.webhook)).to.deep.equal(parts(samples.webhook))
  })

  it('keeps a status it does not know, without a meaning', () => {
    const [part] = parts(samples.unknownStatus)
    expect(part).to.include({ type: 'report', vendorStatus: 'teleported' }).and.not.have.property('status')
  })

  for (const [status, body] of Object.entries(samples.reports)) {
    it(`reads ${status}, as far as its capabilities go`, () => {
      const [part, ...others] = parts(body)
      if (part?.type !== 'report') throw new Error(JSON.stringify(part))
      expect(others).to.deep.equal([])
      expect(statusOf(part)).to.equal(statusExpected(provider, status))
      expect(part.failure !== undefined, 'why it failed').to.equal(part.status === 'failed')
      expect(part.reference).to.equal(provider.capabilities.echoesReference ? reference : undefined)
    })
  }

  it('reads reports the same way in any order', () => {
    const bodies = Object.values(samples.reports)
    const read = (list: Buffer[]) => list.flatMap(parts)
    expect(bodies).not.to.have.length(0)
    expect(read([...bodies].reverse())).to.deep.equal(read(bodies).reverse())
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
      expect(() => adapter.parse(Buffer.from(body), [connection], receivedAt), body).to.throw(SyntaxError)
    }
  })

  it('reads or refuses what is huge or deep within a moment', () => {
    const text = samples.webhook.toString()
    const grown = text.replace(/"(delivered|DELIVERED)"/, `"${'x'.repeat(3_000_000)}"`)
    expect(grown.length).to.be.above(3_000_000)
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    for (const huge of [grown, deep, '['.repeat(200_000), `{"entry":${deep}}`, '9'.repeat(1_000_000)]) {
      const begin = performance.now()
      try {
        expect(adapter.parse(Buffer.from(huge), [connection], receivedAt)).to.be.an('array')
      } catch (error) {
        expect(error).to.be.instanceOf(SyntaxError)
      }
      expect(performance.now() - begin).to.be.below(2_000)
    }
  })

  it('repeats nothing of a body that cannot be read', () => {
    const canary = 'canary-0123456789'
    try {
      adapter.parse(Buffer.from(`${canary} {"${canary}`), [connection], receivedAt)
    } catch (error) {
      expect(String(error)).not.to.contain(canary)
    }
  })

  it('throws nothing but that the body cannot be read, whatever it is', () => {
    const anything = fc.oneof(fc.json(), fc.string(), broken(samples.webhook.toString()))
    fc.assert(
      fc.property(anything, (text) => {
        try {
          expect(adapter.parse(Buffer.from(text), [connection], receivedAt)).to.be.an('array')
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
  const { webhookHeaders } = samples
  if (webhookHeaders) headersContract(provider, adapter, connection, samples, webhookHeaders)
  for (const [index, body] of (samples.forged ?? []).entries()) {
    it(`parks a call whose reference nobody here signed (${index + 1})`, () => {
      expect(parts(body).map(({ type }) => type)).to.deep.equal(['unreadable'])
    })
  }
}

/** A status word, or that it is only a hint to ask. */
const statusOf = ({ status, isUnconfirmed }: DeliveryReport) => (isUnconfirmed ? 'to be confirmed' : status)

/** Without read receipts, `read` proves no more than the delivery; a failure nobody signed is asked about, where it can be. */
function statusExpected({ capabilities }: ProviderDefinition, status: string): string {
  if (status === 'read') return capabilities.readReceipts ? 'read' : 'delivered'
  const isHint = capabilities.looksUp && capabilities.webhookProof !== 'signature'
  return status === 'failed' && isHint ? 'to be confirmed' : status
}

/** A sound body with a piece of it replaced. */
const broken = (text: string) =>
  fc
    .record({ at: fc.nat({ max: text.length }), length: fc.nat({ max: 40 }), by: fc.oneof(fc.string(), fc.json()) })
    .map(({ at, length, by }) => text.slice(0, at) + by + text.slice(at + length))
