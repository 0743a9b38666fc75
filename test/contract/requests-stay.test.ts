import { expect } from 'chai'
import type { HttpClient, HttpRequest } from '../../src/core/contract/provider.ts'
import { providers } from '../../src/providers/index.ts'
import type { ProviderSamples } from './samples/provider-samples.ts'
import { samplesOf } from './samples/samples.ts'

/** Where requests go is the installation's choice. */
const base = 'https://vendor.example.com/base'

const wayward = [
  '@evil.example.com/',
  '//evil.example.com',
  'https://evil.example.com',
  '..%2f..',
  '?x=',
  '#',
  '\\evil',
]

for (const provider of providers) {
  describe(`${provider.id}: requests`, () => {
    let samples: ProviderSamples

    before(async () => {
      const found = await samplesOf(provider.id)
      if (!found) throw new Error('there are no samples')
      samples = found
    })

    for (const word of wayward) {
      it(`go where the installation says, with ${word} in every credential that takes it`, async () => {
        const asked: HttpRequest[] = []
        const http: HttpClient = async (request) => {
          asked.push(request)
          const { login } = samples
          if (login && request.url.endsWith(login.path))
            return { ...login.answer, kind: 'answer', headers: {}, body: JSON.stringify(login.answer.body) }
          return { kind: 'unsent', reason: 'not part of this test' }
        }
        const adapter = provider.createAdapter({ http, settings: samples.settings(base) })
        const takes = provider.credentialFields.filter(
          ({ pattern }) => (pattern as RegExp | undefined)?.test(word) ?? true,
        )
        const planted = Object.fromEntries(takes.map(({ name }) => [name, word]))
        const connection = { ...samples.connection, id: '1', credentials: { ...samples.credentials, ...planted } }
        const message = {
          phone: '+4915550001111',
          content: samples.requests[0].content,
          reference: 'ref-0123456789abcdef',
        }
        await adapter.send(message, connection)
        await adapter.check(connection)
        await adapter.businessPhone(connection)
        expect(asked).not.to.be.empty
        for (const { url } of asked) {
          expect(new URL(url).origin, url).to.equal(new URL(base).origin)
          expect(url.startsWith(base), url).to.equal(true)
        }
      })
    }
  })
}
