/** What the clauses of the contract have in common. */

import { expect } from 'chai'
import type { Agent } from 'undici'
import type {
  HttpClient,
  OutgoingMessage,
  ProviderAdapter,
  ProviderConnection,
  ProviderDefinition,
} from '../../../src/core/contract/provider.ts'
import { createAgent, createHttpClient } from '../../../src/providers/shared/http-client.ts'
import { type ProviderSamples, reference, type SampleAnswer } from '../samples/provider-samples.ts'
import { answer, neverAnswer, type ScriptedServer, type SeenRequest, startScriptedServer } from '../scripted-server.ts'

export const messageOf = ({ requests: [{ content }] }: ProviderSamples): OutgoingMessage => ({
  phone: '+4915550001111',
  content,
  reference,
  reportUrl: 'https://gateway.example.com/webhooks/any/key',
})

export const playing = (sample: SampleAnswer) => answer(sample.status, sample.body, sample.headers)

/** Silence is waited out; any answer comes, also on a busy machine. */
const silenceMs = 300
export const answerMs = 10_000

/** An adapter that talks to a scripted server; both live for the tests of the enclosing `describe`. */
export function useAdapter(provider: ProviderDefinition, samples: ProviderSamples) {
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

export function connectionOf({ credentials, connection }: ProviderSamples): ProviderConnection {
  return { id: '1', credentials, ...connection }
}

export function expectNoSecrets(value: unknown, provider: ProviderDefinition, samples: ProviderSamples): void {
  const text = JSON.stringify(value)
  for (const { name, sensitive } of provider.credentialFields) {
    const secret = samples.credentials[name]
    if (sensitive && secret) expect(text, name).not.to.contain(secret)
  }
}
