import { expect } from 'chai'
import type { ProviderDefinition } from '../../src/core/contract/provider.ts'
import { providers } from '../../src/providers/index.ts'
import type { ProviderSamples } from '../contract/samples/provider-samples.ts'
import { samplesOf } from '../contract/samples/samples.ts'
import { forgeries, type Target, type Targets } from '../support/forgeries.ts'
import { changedTables, http, settledDump, storages } from '../support/stories.ts'
import { startWorld, type World } from '../support/world.ts'

const wanted = 1_000

interface Stranger extends Targets {
  readonly provider: ProviderDefinition
}

let nextSender = 840_000_000_000_001

/** A connection with the credentials of the samples, under a number of its own. */
async function aTarget(
  world: World,
  { id: provider, senderIdField }: ProviderDefinition,
  samples: ProviderSamples,
  changes: Readonly<Record<string, string>> = {},
): Promise<Target> {
  const sender = String(nextSender++)
  const credentials = { ...samples.credentials, ...(senderIdField ? { [senderIdField]: sender } : {}), ...changes }
  const draft = { accountId: 700, provider, name: 'Target', businessPhone: '+911140005678', credentials }
  const created = await world.call<{ id: string; webhook: { callbackUrl: string; verifyToken: string | null } }>(
    'POST',
    '/v1/connections?verify=false',
    draft,
  )
  expect(created.status, JSON.stringify(created.body)).to.equal(201)
  const { callbackUrl, verifyToken } = created.body.webhook
  const { pathname: path } = new URL(callbackUrl)
  const sample = samples.webhook.toString('utf8')
  const known = senderIdField && samples.credentials[senderIdField]
  return {
    id: created.body.id,
    path,
    credentials,
    verifyToken,
    text: known ? sample.replaceAll(known, sender) : sample,
  }
}

async function theTargets(world: World, provider: ProviderDefinition): Promise<Stranger> {
  const samples = await samplesOf(provider.id)
  if (!samples) throw new Error(`there are no samples of ${provider.id}`)
  const secrets = provider.credentialFields.filter(({ name, sensitive }) => sensitive && samples.credentials[name])
  const others = Object.fromEntries(secrets.map(({ name }) => [name, `other_${samples.credentials[name]}`]))
  const deleted = await aTarget(world, provider, samples)
  expect((await world.call('DELETE', `/v1/connections/${deleted.id}`)).status).to.be.oneOf([200, 204])
  const paused = await aTarget(world, provider, samples)
  expect((await world.call('PATCH', `/v1/connections/${paused.id}`, { state: 'paused' })).status).to.equal(200)
  const other = await aTarget(world, provider, samples, others)
  const own = await aTarget(world, provider, samples)
  const [, previous] = samples.secretFields
  if (previous) {
    const credentials = { [previous]: 'a_newer_previous_secret' }
    const changed = await world.call('PATCH', `/v1/connections/${own.id}?verify=false`, { credentials })
    expect(changed.status).to.equal(200)
  }
  return { provider, samples, own, other, paused, deleted }
}

for (const storage of storages) {
  describe(`forged webhooks at every provider, on ${storage}`, function () {
    this.timeout(120_000)
    let world: World
    let strangers: Stranger[]
    const kinds = new Set<string>()

    before(async () => {
      world = await startWorld({ storage })
      strangers = []
      for (const provider of providers) strangers.push(await theTargets(world, provider))
    })
    after(() => world?.close())

    /** One of each kind that fits each provider; resolves with how many that were. */
    async function attack(round: number): Promise<number> {
      let count = 0
      for (const { provider, ...targets } of strangers) {
        const foreign = strangers.filter((stranger) => stranger.provider !== provider).map(({ own }) => own)
        for (const { kind, status, path, headers, body } of forgeries(provider, targets, foreign, round)) {
          // A connection for each, so that no answer pays for how the one before it ended.
          const answer = await http(world, 'POST', path, { headers, body, reset: true })
          expect(answer.status, `${provider.id}: ${kind}`).to.equal(status)
          kinds.add(kind)
          count++
        }
      }
      return count
    }

    it('are refused, a thousand of them, and change nothing', async () => {
      const before = await settledDump(world)
      let count = 0
      for (let round = 0; count < wanted; round++) count += await attack(round)
      console.log(`      ${count} of ${kinds.size} kinds at ${providers.length} providers`)
      expect(kinds.size).to.be.at.least(35)
      expect(changedTables(before, await settledDump(world))).to.deep.equal([])
      const proved = await world.rows('SELECT connection_id FROM wa_webhook_notes WHERE accepted_at IS NOT NULL')
      expect(proved, 'noted as proved').to.deep.equal([])
      const refused = await world.rows('SELECT connection_id FROM wa_webhook_notes')
      expect(refused.length, 'one note of each connection at most').to.be.at.most(3 * providers.length + 1)
    })

    it('leave the genuine ones accepted, of a paused connection too', async () => {
      for (const { provider, samples, own, paused } of strangers) {
        for (const { path, text } of [own, paused]) {
          const body = Buffer.from(text)
          const [secret = ''] = samples.secretFields.map((field) => samples.credentials[field])
          const headers = (samples.sign?.(body, secret) ?? samples.webhookHeaders ?? {}) as Record<string, string>
          expect((await http(world, 'POST', path, { headers, body })).status, `${provider.id} ${path}`).to.equal(200)
        }
      }
    })
  })
}
