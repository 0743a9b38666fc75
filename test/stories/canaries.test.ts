import { expect } from 'chai'
import type { ProviderDefinition } from '../../src/core/contract/provider.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { providers, secretNames } from '../../src/providers/index.ts'
import type { ProviderSamples } from '../contract/samples/provider-samples.ts'
import { samplesOf } from '../contract/samples/samples.ts'
import {
  answer,
  resetConnection,
  type Script,
  type ScriptedServer,
  startScriptedServer,
} from '../contract/scripted-server.ts'
import { aKey, bearer } from '../support/clients.ts'
import { aCustomer, dumpOf, eventFor, http, storages } from '../support/stories.ts'
import { adminKey, startWorld, until, type World } from '../support/world.ts'

/** A secret that is found wherever it gets to, also where it was encoded on its way. */
interface Canary {
  readonly name: string
  readonly value: string
}

const canaryFor = (name: string): Canary => ({
  name,
  value: `CANARY${Buffer.from(name).toString('hex').slice(-24)}${Math.random().toString(36).slice(2, 14).padEnd(12, '0')}`,
})

const written = ({ value }: Canary): string[] => [
  value,
  Buffer.from(value).toString('base64').replace(/=+$/, '').slice(0, -2),
  Buffer.from(value).toString('hex'),
  [...value].reverse().join(''),
]

/** One in every field that the definition calls sensitive. */
const canariesOf = ({ id, credentialFields }: ProviderDefinition): Map<string, Canary> =>
  new Map(
    credentialFields
      .filter(({ sensitive }) => sensitive)
      .map(({ name }) => [name, canaryFor(`${id}.${name}`)] as const),
  )

interface Actor {
  readonly provider: ProviderDefinition
  readonly samples: ProviderSamples
  readonly canaries: Map<string, Canary>
}

async function anActor(provider: ProviderDefinition): Promise<Actor> {
  const samples = await samplesOf(provider.id)
  if (!samples) throw new Error(`there are no samples of ${provider.id}`)
  return { provider, samples, canaries: canariesOf(provider) }
}

const actors: readonly Actor[] = await Promise.all(providers.map(anActor))
const secretsOf = ({ canaries }: Actor): string => [...canaries.values()].map(({ value }) => value).join(' ')

/** What a careless vendor may answer: everything that it was sent, in every way that it can say no. */
const misfortunes = (actor: Actor): Readonly<Record<string, Script>> => {
  const { samples } = actor
  const secrets = secretsOf(actor)
  const echo =
    (status: number): Script =>
    (response, { headers, body }) =>
      response.writeHead(status).end(JSON.stringify({ headers, body, secrets }))
  return {
    'refuses and repeats the secrets': answer(
      samples.refusalThatRepeats(secrets).status,
      samples.refusalThatRepeats(secrets).body,
    ),
    'refuses the credentials': answer(samples.credentialsRefused.status, samples.credentialsRefused.body),
    '200 with everything that was sent': echo(200),
    '400 with everything that was sent': echo(400),
    '401 with everything that was sent': echo(401),
    '500 with everything that was sent': echo(500),
    'words with the secrets': answer(502, `<html>${secrets}</html>`),
    'breaks off': resetConnection,
  }
}

for (const storage of storages) {
  describe(`secrets, when everything goes wrong, on ${storage}`, function () {
    this.timeout(120_000)
    let world: World
    let vendor: ScriptedServer
    const log: string[] = []
    const answers: string[] = []
    let clientKey: Canary

    const call: World['call'] = async (method, path, body) => {
      const got = await world.call(method, path, body)
      answers.push(JSON.stringify(got.body))
      return got as never
    }

    before(async () => {
      vendor = await startScriptedServer()
      const env = actors.flatMap(({ provider, samples }) => {
        const values = samples.settings(vendor.url)
        return Object.entries(provider.environment.settings).flatMap(([setting, { variable }]) =>
          values[setting] === undefined ? [] : [[variable, values[setting]] as const],
        )
      })
      world = await startWorld({
        storage,
        isBare: true,
        env: Object.fromEntries(env),
        log: createLogger('debug', { stream: { write: (line: string) => void log.push(line) }, secretNames }),
      })
    })
    after(async () => {
      await world?.close()
      await vendor?.close()
    })

    /** Logs in where that comes first, and plays the script for everything else. */
    const play = ({ samples: { login } }: Actor, script: Script, isLoginPlayed: boolean) => {
      vendor.play((response, request) => {
        const isLogin = login !== undefined && request.url.startsWith(login.path)
        if (isLogin && !isLoginPlayed) answer(login.answer.status, login.answer.body)(response, request)
        else script(response, request)
      })
    }

    let nextNumber = 880_000_000_000_001
    let nextAccount = 2_000

    /** A connection with secrets planted; each has a number and an account of its own. */
    const draftOf = ({ provider, samples: { credentials, connection }, canaries }: Actor) => {
      const [mapping] = Object.values(connection?.templates ?? {})
      const planted = Object.fromEntries([...canaries].map(([name, { value }]) => [name, value]))
      const { senderIdField } = provider
      return {
        accountId: nextAccount++,
        provider: provider.id,
        name: `Canary ${provider.id}`,
        businessPhone: '+911140001234',
        credentials: {
          ...credentials,
          ...planted,
          ...(senderIdField ? { [senderIdField]: String(nextNumber++) } : {}),
        },
        ...(mapping ? { templates: { 'fdr_customer_unavailable.en': mapping } } : {}),
      }
    }

    /** Creates a connection, checks it again and sends through it; each of these goes wrong. */
    async function useOnce(actor: Actor): Promise<string> {
      const draft = draftOf(actor)
      const { status, body } = await call<{ id: string }>('POST', '/v1/connections', draft)
      expect(status).to.equal(201)
      const settings = { isWhatsappEnabled: true, whatsappSenderConnectionId: body.id }
      await call('PUT', `/v1/accounts/${draft.accountId}/settings`, settings)
      await call('PATCH', `/v1/connections/${body.id}`, { credentials: draft.credentials })
      const event = eventFor(aCustomer(), { reason: 'customer_unavailable', account_id: draft.accountId })
      const sent = await call<{ message?: { id: string } }>('POST', '/v1/events', event)
      const { id } = sent.body.message ?? {}
      const sql = `SELECT id FROM wa_send_attempts WHERE wa_outgoing_message_id = ${Number(id)}`
      await until('the send came to an end', async () => (await world.rows(sql)).length > 0, 40_000)
      await call('GET', `/v1/messages/${id}`)
      return body.id
    }

    /** Bodies that are refused, with the secrets in them. */
    async function sendNonsense(actor: Actor, connectionId: string): Promise<void> {
      const draft = draftOf(actor)
      const secrets = secretsOf(actor)
      const swapped = Object.fromEntries(Object.keys(draft.credentials).map((name) => [name, `${secrets} é\n`]))
      const nonsense: unknown[] = [
        { ...draft, name: '' },
        { ...draft, credentials: { ...draft.credentials, unknown: secrets } },
        { ...draft, credentials: swapped },
        { ...draft, credentials: secrets },
        { ...draft, credentials: { ...draft.credentials, [[...actor.canaries.keys()][0] ?? '']: [secrets] } },
        { ...draft, limits: secrets },
        `{"credentials":{"secret":"${secrets}"`,
        `${secrets}`,
      ]
      for (const body of nonsense) {
        const { status } = await call('POST', '/v1/connections', body)
        expect(status, JSON.stringify(body)).to.equal(400)
        await call('PATCH', `/v1/connections/${connectionId}`, body)
      }
    }

    async function forgeWebhooks({ provider }: Actor, secrets: string): Promise<void> {
      for (const path of [`/webhooks/${provider.id}`, `/webhooks/${provider.id}/${'k'.repeat(32)}`]) {
        const headers = { 'x-hub-signature-256': `sha256=${secrets}`, authorization: `Basic ${secrets}` }
        answers.push((await http(world, 'POST', path, { headers, body: secrets })).text)
        answers.push((await http(world, 'GET', `${path}?hub.verify_token=${encodeURIComponent(secrets)}`)).text)
      }
    }

    for (const actor of actors) {
      it(`${actor.provider.id}: bears every misfortune`, async () => {
        expect(actor.canaries.size).to.be.greaterThan(0)
        let connectionId = ''
        for (const script of Object.values(misfortunes(actor))) {
          for (const isLoginPlayed of [false, true]) {
            play(actor, script, isLoginPlayed)
            connectionId = await useOnce(actor)
          }
        }
        await sendNonsense(actor, connectionId)
        await forgeWebhooks(actor, encodeURIComponent(secretsOf(actor)))
      })
    }

    it('a client uses its key in every wrong way', async () => {
      const { key } = await aKey(world, 2_000)
      clientKey = { name: 'key of a client', value: key }
      const asked = [
        http(world, 'GET', '/v1/messages', { headers: bearer(key) }),
        http(world, 'GET', '/v1/messages/999', { headers: bearer(key) }),
        http(world, 'GET', '/metrics', { headers: bearer(key) }),
        http(world, 'GET', '/v1/messages', { headers: { authorization: `Basic ${key}` } }),
        http(world, 'GET', '/v1/messages', { headers: { authorization: key } }),
        http(world, 'GET', '/v1/messages', { headers: bearer(`${key}${key}`) }),
        http(world, 'PUT', '/v1/accounts/2000/settings', { headers: bearer(key), body: `{"${key}":1` }),
        http(world, 'POST', '/v1/api-keys', { headers: bearer(key), body: JSON.stringify({ accountId: key }) }),
      ]
      for (const { text } of await Promise.all(asked)) answers.push(text)
    })

    it('and none of them is found anywhere', async () => {
      for (const path of [
        '/metrics',
        '/v1/connections',
        '/v1/messages?limit=200',
        '/v1/activity?limit=1000',
        '/v1/rejected-events?limit=200',
        '/v1/audit?limit=200',
        '/v1/api-keys',
      ]) {
        answers.push((await http(world, 'GET', path, { headers: bearer(adminKey) })).text)
      }
      const places = { log: log.join('\n'), answers: answers.join('\n'), database: await dumpOf(world) }
      expect(places.database.length).to.be.greaterThan(10_000)
      expect(places.answers, 'the masked end of a secret is shown').to.match(/…\w{4}/)
      const canaries = [...actors.flatMap((actor) => [...actor.canaries.values()]), clientKey]
      const found = canaries.flatMap((canary) =>
        Object.entries(places).flatMap(([place, text]) =>
          written(canary)
            .filter((form) => text.includes(form))
            .map((form) => `${canary.name} in ${place}: ${around(text, form)}`),
        ),
      )
      expect(found).to.deep.equal([])
    })
  })
}

/** What stands around a finding, to see where it comes from. */
function around(text: string, form: string): string {
  const at = text.indexOf(form)
  return text.slice(Math.max(0, at - 200), at + form.length + 20)
}
