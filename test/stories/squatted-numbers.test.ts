import { expect } from 'chai'
import { startApp } from '../../src/app.ts'
import { setAsideReason } from '../../src/core/accounts/number-proof.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { readEnv } from '../../src/env.ts'
import { configDir } from '../../src/paths.ts'
import { aKey, bodyOf, withKey } from '../support/clients.ts'
import { aDialog360Account } from '../support/dialog360.ts'
import {
  aCustomer,
  anAccount,
  aWebhook,
  builtInTemplates,
  deliver,
  eventFor,
  inWorld,
  messagesTo,
  postWebhook,
  sharedWorld,
  signatureOf,
  storages,
} from '../support/stories.ts'
import { adminKey, until, type World } from '../support/world.ts'

interface Shown {
  readonly id: string
  readonly accountId: number
  readonly state: string
  readonly stateReason: string | null
  readonly numberProvedAt: string | null
  readonly webhook: { readonly callbackUrl: string }
}

interface Client {
  readonly accountId: number
  readonly key: string
}

interface AuditEntry {
  readonly action: string
  readonly actor: string
  readonly subject: { readonly id: string }
  readonly detail: object
}

let nextNumber = 870_000_000_000_001

/** A number at the provider, and what its owner knows of it. */
async function aNumber(world: World) {
  const phoneNumberId = String(nextNumber++)
  const credentials = { phoneNumberId, wabaId: `9${phoneNumberId}`, accessToken: `EAA${phoneNumberId}` }
  const owned = { ...credentials, appSecret: `secret_of_${phoneNumberId}` }
  const templates = await builtInTemplates(world)
  world.provider.addAccount({ ...owned, displayPhoneNumber: '+911140008700', templates })
  /** Whoever has only read the number somewhere. */
  const guessed = { ...owned, accessToken: 'EAAdeadtoken', appSecret: 'secret_of_somebody' }
  return { owned, guessed }
}

async function aClient(world: World): Promise<Client> {
  const accountId = await anAccount(world)
  const { key } = await aKey(world, accountId)
  return { accountId, key }
}

async function enter(world: World, { accountId, key }: Client, credentials: object, query = '') {
  const draft = { accountId, provider: 'meta', name: 'Own', businessPhone: '+911140008700', credentials }
  const answer = await withKey(world, key, 'POST', `/v1/connections${query}`, draft)
  return { ...answer, body: bodyOf<Shown>(answer) }
}

const shown = async (world: World, { key }: Client, id: string) =>
  bodyOf<Shown>(await withKey(world, key, 'GET', `/v1/connections/${id}`))

/** A webhook of the number, as whoever has this app secret signs it. */
function tellAs(
  world: World,
  { webhook }: Shown,
  { phoneNumberId, appSecret }: { phoneNumberId: string; appSecret: string },
) {
  const body = JSON.stringify(aWebhook({}, phoneNumberId))
  const path = new URL(webhook.callbackUrl).pathname
  return postWebhook(world, body, { path, signature: signatureOf(body, appSecret) })
}

for (const storage of storages) {
  describe(`a number that somebody else entered first, on ${storage}`, () => {
    const world = sharedWorld({ storage })

    for (const query of ['', '?verify=false']) {
      it(`goes to its owner who proves it, and the other is set aside${query && `, ${query}`}`, async () => {
        const { owned, guessed } = await aNumber(world())
        const [squatter, owner] = [await aClient(world()), await aClient(world())]
        const squatted = await enter(world(), squatter, guessed, query)
        expect(squatted.status).to.equal(201)
        expect(squatted.body).to.include({ state: 'active', numberProvedAt: null })
        expect((await tellAs(world(), squatted.body, guessed)).status, 'before').to.equal(200)

        const own = await enter(world(), owner, owned)
        expect(own.status).to.equal(201)
        expect(own.body.numberProvedAt).to.be.a('string')
        const after = await shown(world(), squatter, squatted.body.id)
        expect(after).to.include({ state: 'paused', stateReason: setAsideReason, numberProvedAt: null })
        expect((await tellAs(world(), squatted.body, guessed)).status, 'set aside').to.equal(404)
        expect((await tellAs(world(), own.body, owned)).status, 'the owner').to.equal(200)
      })
    }

    it('is not taken from its owner by what only names it', async () => {
      const { owned, guessed } = await aNumber(world())
      const [squatter, owner] = [await aClient(world()), await aClient(world())]
      const own = await enter(world(), owner, owned)
      for (const query of ['', '?verify=false']) {
        const refused = await enter(world(), squatter, guessed, query)
        expect(refused.status, query).to.equal(409)
        expect(refused.text).not.to.match(/another|change that one/)
      }
      expect(await shown(world(), owner, own.body.id)).to.include({ state: 'active' })
    })

    it('tells whoever was set aside why, in the audit and by the doctor, and nothing of who has it', async () => {
      const { owned, guessed } = await aNumber(world())
      const [squatter, owner] = [await aClient(world()), await aClient(world())]
      const { body } = await enter(world(), squatter, guessed)
      await enter(world(), owner, owned)
      const audit = await withKey(world(), squatter.key, 'GET', '/v1/audit')
      const [entry] = bodyOf<{ items: AuditEntry[] }>(audit).items
      expect(entry).to.deep.include({ action: 'connection.set_aside', actor: 'gateway' })
      expect(entry?.subject.id).to.equal(body.id)
      expect(entry?.detail).to.deep.equal({
        before: { state: 'active', stateReason: null },
        after: { state: 'paused', stateReason: setAsideReason },
      })
      const doctor = await withKey(world(), squatter.key, 'GET', `/v1/connections/${body.id}/doctor`)
      expect(doctor.text).to.include(setAsideReason)
      const resumed = await withKey(world(), squatter.key, 'PATCH', `/v1/connections/${body.id}`, { state: 'active' })
      expect(resumed.status).to.equal(409)
      for (const { text } of [audit, doctor, resumed, await withKey(world(), squatter.key, 'GET', '/v1/connections')])
        expect(text).not.to.match(new RegExp(`\\b(${owner.accountId}|${owned.appSecret}|${owner.key.slice(0, 8)})\\b`))
    })

    it('may be named by many while nobody has proved it, and none learns of the others', async () => {
      const { guessed } = await aNumber(world())
      const answers = [
        await enter(world(), await aClient(world()), guessed),
        await enter(world(), await aClient(world()), guessed, '?verify=false'),
      ]
      expect(answers.map(({ status }) => status)).to.deep.equal([201, 201])
      const again = await aClient(world())
      await enter(world(), again, guessed)
      expect((await enter(world(), again, guessed)).text, 'the same account').to.include('change that one')
    })

    it('is proved by the credentials that are corrected later', async () => {
      const { owned, guessed } = await aNumber(world())
      const [squatter, owner] = [await aClient(world()), await aClient(world())]
      const squatted = await enter(world(), squatter, guessed)
      const own = await enter(world(), owner, { ...owned, accessToken: 'EAAmistyped' })
      expect(own.body.numberProvedAt).to.equal(null)
      const correct = { credentials: { accessToken: owned.accessToken } }
      const path = `/v1/connections/${own.body.id}`
      const corrected = bodyOf<Shown>(await withKey(world(), owner.key, 'PATCH', path, correct))
      expect(corrected.numberProvedAt).to.be.a('string')
      expect((await shown(world(), squatter, squatted.body.id)).stateReason).to.equal(setAsideReason)
    })

    it('is proved by the doctor, and by the first message that is taken', async () => {
      for (const prove of [examine, sendOne]) {
        const { owned, guessed } = await aNumber(world())
        const [squatter, owner] = [await aClient(world()), await aClient(world())]
        const squatted = await enter(world(), squatter, guessed)
        const own = await enter(world(), owner, owned, '?verify=false')
        await prove(world(), owner, own.body.id)
        await until('the number is proved', async () => (await shown(world(), owner, own.body.id)).numberProvedAt)
        expect((await shown(world(), squatter, squatted.body.id)).stateReason).to.equal(setAsideReason)
      }
    })

    it('is not proved by messages where the key alone says which number sends, but by asking for the number', async () => {
      const { accountId, connectionId } = await aDialog360Account(world())
      const asked = await world().call<Shown>('GET', `/v1/connections/${connectionId}`)
      expect(asked.body.numberProvedAt).to.be.a('string')
      await world().database.write('UPDATE wa_connections SET number_proved_at = NULL WHERE id = $1', [connectionId])
      await world().call('PATCH', `/v1/connections/${connectionId}`, { name: 'Read anew' })
      const customer = aCustomer()
      await deliver(world(), eventFor(customer, { account_id: accountId }))
      await until(
        'it is accepted',
        async () =>
          (
            await world().rows<{ n: number }>(
              `SELECT COUNT(*) AS n FROM wa_send_attempts WHERE connection_id = ${connectionId} AND outcome = 'accepted'`,
            )
          )[0]?.n,
      )
      expect((await world().call<Shown>('GET', `/v1/connections/${connectionId}`)).body.numberProvedAt).to.equal(null)
      await world().call('GET', `/v1/connections/${connectionId}/doctor`)
      const proved = await world().call<Shown>('GET', `/v1/connections/${connectionId}`)
      expect(proved.body.numberProvedAt).to.be.a('string')
    })

    it('is not proved by a key of another number that works', async () => {
      const channels = [1, 2].map((n) => ({ phoneNumberId: String(nextNumber++), wabaId: `96000000000000${n}` }))
      const [target, own] = channels.map((ids, n) => ({ ...ids, apiKey: `squatted${n}${ids.phoneNumberId}_AK` }))
      for (const channel of [target, own])
        if (channel) world().provider.dialog360.add({ ...channel, displayPhoneNumber: '+911150008700' })
      const enterAt360 = async (apiKey: string | undefined) => {
        const { accountId } = await aClient(world())
        const credentials = { phoneNumberId: target?.phoneNumberId, apiKey }
        const draft = { accountId, provider: '360dialog', name: 'Own', businessPhone: '+911150008700', credentials }
        return (await world().call<Shown>('POST', '/v1/connections', draft)).body
      }
      const squatted = await enterAt360(own?.apiKey)
      expect(squatted).to.include({ state: 'active', numberProvedAt: null })
      expect((await enterAt360(target?.apiKey)).numberProvedAt).to.be.a('string')
      const after = await world().call<Shown>('GET', `/v1/connections/${squatted.id}`)
      expect(after.body.stateReason).to.equal(setAsideReason)
    })

    it('does not keep a gateway from starting whose environment describes it', () =>
      inWorld({ storage }, async (alone) => {
        const { owned, guessed } = await aNumber(alone)
        const squatter = await aClient(alone)
        const squatted = await enter(alone, squatter, guessed)
        const env = {
          ...alone.env,
          WHATSAPP_ACCESS_TOKEN: owned.accessToken,
          WHATSAPP_PHONE_NUMBER_ID: owned.phoneNumberId,
          WHATSAPP_BUSINESS_ACCOUNT_ID: owned.wabaId,
          WHATSAPP_APP_SECRET: owned.appSecret,
        }
        const secretsKeys = alone.env.SECRETS_KEYS ?? ''
        const log = createLogger('silent')
        const app = await startApp({ env: readEnv(env), log, configDir, secretsKeys, adminKey })
        try {
          const [row] = await alone.rows<{ state_reason: string }>(
            `SELECT state_reason FROM wa_connections WHERE id = ${squatted.body.id}`,
          )
          expect(row?.state_reason).to.equal(setAsideReason)
        } finally {
          await app.stop()
        }
      }))
  })
}

const examine = async (world: World, { key }: Client, id: string): Promise<void> => {
  expect((await withKey(world, key, 'GET', `/v1/connections/${id}/doctor`)).status).to.equal(200)
}

const sendOne = async (world: World, { accountId }: Client, id: string): Promise<void> => {
  const settings = { isWhatsappEnabled: true, whatsappSenderConnectionId: id }
  expect((await world.call('PUT', `/v1/accounts/${accountId}/settings`, settings)).status).to.equal(200)
  const customer = aCustomer()
  await deliver(world, eventFor(customer, { account_id: accountId }))
  await until('it is accepted', () => messagesTo(world, customer).length > 0)
}
