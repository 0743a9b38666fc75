import { expect } from 'chai'
import { providerById, providers } from '../../src/providers/index.ts'
import { askingContract, checkingContract } from './clauses/asking.ts'
import { sendingContract } from './clauses/sending.ts'
import { webhookContract } from './clauses/webhook.ts'
import { samplesOf, samplesPath } from './samples/samples.ts'

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
      for (const { name, togetherWith } of credentialFields.filter((field) => field.togetherWith !== undefined)) {
        const partner = credentialFields.find((field) => field.name === togetherWith)
        expect(partner?.togetherWith, `${name}: both or neither`).to.equal(name)
      }
      expect(credentialFields.some(({ sensitive }) => sensitive)).to.equal(true)
    }
  })

  it('gives every provider what its capabilities promise', () => {
    const http = async () => ({ kind: 'unsent', reason: 'not part of this test' }) as const
    for (const { capabilities, templateFields = [], ...provider } of providers) {
      const adapter = provider.createAdapter({ http, settings: {} })
      expect(adapter.lookUp !== undefined, `${provider.id}: look-up`).to.equal(capabilities.looksUp)
      expect(adapter.poll !== undefined, `${provider.id}: polling`).to.equal(capabilities.looksUp)
      const { managesTemplates = false, subscribes = false } = capabilities
      expect(adapter.listTemplates !== undefined, `${provider.id}: templates`).to.equal(managesTemplates)
      expect(adapter.registerTemplate !== undefined, `${provider.id}: registering`).to.equal(managesTemplates)
      expect(adapter.subscribe !== undefined, `${provider.id}: subscription`).to.equal(subscribes)
      expect(templateFields.length > 0, `${provider.id}: fields`).to.equal(capabilities.templates === 'mapped')
      // Only what is addressed by a URL of its own may leave out whom it is for.
      if (capabilities.webhookProof === 'signature')
        expect(provider.senderIdField, `${provider.id}: sender`).to.be.a('string')
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
