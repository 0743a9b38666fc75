import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'chai'
import { providers } from '../../src/providers/index.ts'
import { samplesOf } from '../contract/samples/samples.ts'
import { sharedWorld, storages } from '../support/stories.ts'

interface ShownProvider {
  readonly id: string
  readonly credentials: { readonly properties: Readonly<Record<string, object>> }
}

for (const storage of storages) {
  describe(`what connections are entered with, on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const shownProvider = async (id: string) => {
      const { body } = await world().call<{ items: ShownProvider[] }>('GET', '/v1/providers')
      return body.items.find((item) => item.id === id)
    }

    for (const provider of providers) {
      it(`is told for ${provider.id} by a schema that takes and refuses what the API does`, async () => {
        const { credentials = {}, connection } = (await samplesOf(provider.id)) ?? {}
        const fits = new Ajv2020().compile((await shownProvider(provider.id))?.credentials ?? false)
        const without = (left: string) =>
          Object.fromEntries(Object.entries(credentials).filter(([name]) => name !== left))
        const names = provider.credentialFields.map(({ name }) => name)
        const tried = [
          credentials,
          ...names.map(without),
          ...names.map((name) => ({ ...credentials, [name]: 'wrong\nform' })),
          { ...credentials, strange: 'x' },
        ]
        for (const given of tried) {
          const draft = { accountId: 380, provider: provider.id, name: 'Own', businessPhone: '+911140004321' }
          const templates = connection?.templates
          const { status } = await world().call('POST', '/v1/connections?verify=false', {
            ...draft,
            credentials: given,
            ...(templates ? { templates } : {}),
          })
          // 409: taken, but for another connection of the same sender.
          expect([201, 409].includes(status), JSON.stringify(given)).to.equal(fits(given))
        }
      })

      it(`marks of ${provider.id} what is never shown again`, async () => {
        const properties = Object.entries((await shownProvider(provider.id))?.credentials.properties ?? {})
        expect(
          properties.map(([name, property]) => [name, 'writeOnly' in property && property.writeOnly]),
        ).to.deep.equal(provider.credentialFields.map(({ name, sensitive }) => [name, sensitive]))
      })
    }
  })
}
