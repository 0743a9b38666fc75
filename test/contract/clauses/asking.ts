/** Calls beside sending: the check of a connection, and questions about messages. */

import { expect } from 'chai'
import type { ProviderDefinition } from '../../../src/core/contract/provider.ts'
import { type ProviderSamples, reference } from '../samples/provider-samples.ts'
import { answer, neverAnswer, resetConnection } from '../scripted-server.ts'
import { connectionOf, expectNoSecrets, playing, useAdapter } from './support.ts'

export function checkingContract(provider: ProviderDefinition, samples: ProviderSamples): void {
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

export function askingContract(provider: ProviderDefinition, samples: ProviderSamples): void {
  const used = useAdapter(provider, samples)
  const polled = {
    messageId: 'm-1',
    reference,
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
