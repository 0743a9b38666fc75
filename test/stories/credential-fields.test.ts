import { expect } from 'chai'
import type { CredentialField, ProviderDefinition } from '../../src/core/contract/provider.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { providers, secretNames } from '../../src/providers/index.ts'
import { samplesOf } from '../contract/samples/samples.ts'
import { type ScriptedServer, type SeenRequest, startScriptedServer } from '../contract/scripted-server.ts'
import { aCustomer, asAdmin, deliver, dumpOf, eventFor, inWorld, settle, storages } from '../support/stories.ts'
import type { World } from '../support/world.ts'

/** Fits the field's pattern, and stands nowhere by accident. */
const canaryOf = ({ name }: CredentialField): string => `canary-${name}-5d1f0c7e`

/** A vendor that refuses every call and repeats in its words all that it was told. */
async function startTelltale(): Promise<ScriptedServer> {
  const server = await startScriptedServer()
  server.play((response, { headers, body }: SeenRequest) => {
    const message = `not accepted: ${JSON.stringify(headers)} ${body}`
    response.writeHead(401).end(JSON.stringify({ error: { message, code: 190 } }))
  })
  return server
}

/** Every setting of the provider that is a URL leads to the vendor. */
const environmentFor = ({ environment: { settings } }: ProviderDefinition, vendor: ScriptedServer) =>
  Object.fromEntries(
    Object.values(settings)
      .filter(({ pattern }) => pattern === undefined)
      .map(({ variable }) => [variable, vendor.url]),
  )

for (const storage of storages) {
  for (const provider of providers) {
    describe(`secrets of ${provider.id} on ${storage}`, () => {
      it('are in no answer, no table, no metric and no log line, whatever is done wrong', async () => {
        const secrets = provider.credentialFields.filter(({ sensitive }) => sensitive)
        for (const field of secrets) expect(canaryOf(field), field.name).to.match(field.pattern ?? /./)
        const lines: string[] = []
        const log = createLogger('trace', { stream: { write: (line: string) => void lines.push(line) }, secretNames })
        const vendor = await startTelltale()
        const options = { storage, log, isBare: true, env: environmentFor(provider, vendor) }
        const seen = await inTurn(options, (world) => misuse(world, provider, secrets)).finally(vendor.close)
        expect(vendor.seen, 'the vendor was told').not.to.be.empty
        const shown = [...seen, ...lines].join('\n')
        expect(shown).to.contain('not accepted')
        for (const field of secrets) {
          expect(shown, field.name).not.to.contain(canaryOf(field))
          expect(shown, field.name).not.to.contain(Buffer.from(canaryOf(field)).toString('base64').slice(0, -4))
        }
      })
    })
  }
}

async function inTurn(
  options: Parameters<typeof inWorld>[0],
  story: (world: World) => Promise<string[]>,
): Promise<string[]> {
  const seen: string[] = []
  await inWorld(options, async (world) => {
    seen.push(...(await story(world)), await dumpOf(world))
  })
  return seen
}

/** Creates, asks, changes and uses a connection, rightly and wrongly; gives all that was answered. */
async function misuse(world: World, provider: ProviderDefinition, secrets: CredentialField[]): Promise<string[]> {
  const samples = await samplesOf(provider.id)
  const canaries = Object.fromEntries(secrets.map((field) => [field.name, canaryOf(field)]))
  const { templates } = samples?.connection ?? {}
  const draft = {
    accountId: 380,
    provider: provider.id,
    name: 'Own',
    businessPhone: '+911140004321',
    credentials: { ...samples?.credentials, ...canaries },
    ...(templates ? { templates } : {}),
  }
  const answers: string[] = []
  const call = async (method: 'GET' | 'POST' | 'PUT' | 'PATCH', path: string, body?: object | string) => {
    const sent = typeof body === 'object' ? JSON.stringify(body) : body
    const { text } = await asAdmin(world, method, path, sent)
    answers.push(text)
    return text
  }
  const { id } = JSON.parse(await call('POST', '/v1/connections', draft)) as { id: string }
  for (const [name, canary] of Object.entries(canaries)) {
    const wrong = [{ [name]: `${canary}\n` }, { [name]: { value: canary } }, { [`${name}X`]: canary }]
    for (const credentials of wrong) {
      await call('POST', '/v1/connections', { ...draft, credentials: { ...draft.credentials, ...credentials } })
      await call('PATCH', `/v1/connections/${id}`, { credentials })
    }
    await call('PATCH', `/v1/connections/${id}`, { credentials: { [name]: canary } })
    await call('POST', '/v1/connections', `{"credentials": {"${name}": "${canary}"`)
  }
  const settings = { isWhatsappEnabled: true, whatsappSenderConnectionId: id }
  await call('PUT', '/v1/accounts/380/settings', settings)
  const event = eventFor(aCustomer(), { reason: 'otp_cancellation', account_id: 380 })
  const { message } = await deliver(world, event)
  await settle(world)
  const paths = ['/v1/connections', `/v1/connections/${id}`, '/v1/messages', `/v1/messages/${message?.id}`]
  for (const path of [...paths, '/v1/activity', `/v1/connections/${id}/events`, '/metrics']) await call('GET', path)
  return answers
}
