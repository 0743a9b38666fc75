import { expect } from 'chai'
import { aKey, bodyOf, withKey } from '../support/clients.ts'
import { simulatorAccount } from '../support/fixtures.ts'
import { aCustomer, anAccount, anOwnConnection, deliver, eventFor, sharedWorld, storages } from '../support/stories.ts'

interface BadSettings {
  readonly label: string
  readonly body: Record<string, unknown>
  readonly path: string
}

const on = { isWhatsappEnabled: true }

const badSettings: BadSettings[] = [
  { label: 'no switch', body: {}, path: 'isWhatsappEnabled' },
  { label: 'a switch that is a text', body: { isWhatsappEnabled: '1' }, path: 'isWhatsappEnabled' },
  { label: 'a misspelled field', body: { ...on, timeZone: 'Asia/Kolkata' }, path: '' },
  { label: 'a time zone that is none', body: { ...on, timezone: 'Asia/Atlantis' }, path: 'timezone' },
  { label: 'a country that is none', body: { ...on, defaultCountry: 'India' }, path: 'defaultCountry' },
  { label: 'no language', body: { ...on, languages: [] }, path: 'languages' },
  { label: 'a language that is none', body: { ...on, languages: ['en', 'english'] }, path: 'languages.1' },
  {
    label: 'a template name that no provider allows',
    body: { ...on, templates: { otp_cancellation: { name: 'Has Spaces', language: 'en' } } },
    path: 'templates.otp_cancellation.name',
  },
  { label: 'an address that is none', body: { ...on, support: { email: 'care' } }, path: 'support.email' },
  {
    label: 'a time that is none',
    body: { ...on, quietHours: { from: '25:00', to: '08:00' } },
    path: 'quietHours.from',
  },
  { label: 'a quota of nothing', body: { ...on, guards: { messagesPerDay: 0 } }, path: 'guards.messagesPerDay' },
  { label: 'a guard that is none', body: { ...on, guards: { messagesPerHour: 5 } }, path: 'guards' },
  {
    label: 'an amount that is a number',
    body: { ...on, guards: { costPerDay: { amount: 500, currency: 'INR' } } },
    path: 'guards.costPerDay.amount',
  },
  { label: 'a policy that is none', body: { ...on, inDoubtPolicy: 'always' }, path: 'inDoubtPolicy' },
  { label: 'a portal without https', body: { ...on, portalUrl: 'http://track.acme.example' }, path: 'portalUrl' },
  { label: 'a portal that is a script', body: { ...on, portalUrl: 'javascript:alert(1)' }, path: 'portalUrl' },
  {
    label: 'a connection that is a number',
    body: { ...on, whatsappSenderConnectionId: 1 },
    path: 'whatsappSenderConnectionId',
  },
]

for (const storage of storages) {
  describe(`settings on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const get = async (path: string) => (await world().call('GET', `/v1/accounts/${path}/settings`)).body
    const put = (path: string, body: object) =>
      world().call<{ errors?: { path: string; message: string }[] }>('PUT', `/v1/accounts/${path}/settings`, body)
    const outcomeFor = async (changes: Record<string, unknown>) => {
      const { outcome, reason } = await deliver(world(), eventFor(aCustomer(), changes))
      return reason ?? outcome
    }

    it('start switched off', async () => {
      expect(await get('4242')).to.deep.include({
        accountId: 4242,
        isWhatsappEnabled: false,
        whatsappSenderConnectionId: null,
        defaultCountry: 'IN',
        timezone: 'Asia/Kolkata',
        languages: ['en'],
        templates: {},
      })
    })

    it('come back as they were put', async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      const settings = {
        accountSlug: 'acme-store',
        isWhatsappEnabled: true,
        whatsappSenderConnectionId: connectionId,
        defaultCountry: 'IN',
        timezone: 'Asia/Kolkata',
        languages: ['en', 'hi'],
        templates: { otp_cancellation: { name: 'fdr_otp_cancellation', language: 'en' } },
        support: { phone: '+911140009999', email: 'care@acme.example' },
        quietHours: { from: '21:00', to: '08:00' },
        guards: {
          firstMessagesPerShipmentAndDay: 3,
          messagesPerDay: 1000,
          messagesPerRecipientAndDay: 5,
          costPerDay: { amount: '500.00', currency: 'INR' },
        },
        inDoubtPolicy: 'resend_once',
        fallbackOnFailed: true,
        portalUrl: 'https://track.acme.example',
        flows: { openDays: 5, actions: { cancel: { answer: 'already_noted' } } },
      }
      const { status, body } = await put(String(accountId), settings)
      expect(status).to.equal(200)
      const sender = { name: 'Own', provider: 'meta', isOwn: true }
      expect(body).to.deep.equal({ accountId, ...settings, sender })
      expect(await get(String(accountId))).to.deep.equal({ accountId, ...settings, sender })
    })

    it('are replaced whole', async () => {
      const id = String(await anAccount(world(), { languages: ['hi'], timezone: 'UTC' }))
      await put(id, on)
      expect(await get(id)).to.deep.include({ languages: ['en'], timezone: 'Asia/Kolkata' })
    })

    for (const { label, body, path } of badSettings) {
      it(`refuse ${label}, and say where it stands`, async () => {
        const id = String(await anAccount(world(), { languages: ['hi'] }))
        const before = await get(id)
        const { status, body: problem } = await put(id, body)
        expect(status).to.equal(400)
        expect(new Set(problem.errors?.map((error) => error.path))).to.deep.equal(new Set([path]))
        expect(await get(id)).to.deep.equal(before)
      })
    }

    it('name every mistake at once', async () => {
      const { body } = await put('4243', { timezone: 'x', languages: [], inDoubtPolicy: 'x' })
      const paths = body.errors?.map((error) => error.path)
      expect(paths).to.have.members(['isWhatsappEnabled', 'timezone', 'languages', 'inDoubtPolicy'])
    })

    it('are short, and of so many channels only', async () => {
      const account = await anAccount(world())
      expect((await put(`${account}/channels/1299`, { ...on, note: 'x'.repeat(33_000) })).status).to.equal(413)
      const channels = Array.from({ length: 200 }, (_, index) => `(${account}, ${index + 1}, '{}', $1, $1)`)
      const columns = 'account_id, channel_id, preferences, created_at, updated_at'
      const sql = `INSERT INTO poe_channel_settings (${columns}) VALUES ${channels.join(', ')}`
      await world().database.write(sql, ['2026-11-20 06:30:00.000'])
      expect((await put(`${account}/channels/1299`, on)).status).to.equal(409)
      expect((await put(`${account}/channels/1300`, on)).status).to.equal(409)
    })

    it('exist only for accounts and channels that can exist', async () => {
      for (const id of ['0', '-1', 'abc', '1.5', '99999999999', '379%20OR%201=1']) {
        expect((await world().call('GET', `/v1/accounts/${id}/settings`)).status, id).to.equal(404)
        expect((await put(id, on)).status, id).to.equal(404)
      }
      expect((await put('379/channels/0', on)).status).to.equal(404)
    })

    it('hold from the next event on', async () => {
      const account_id = await anAccount(world())
      expect(await outcomeFor({ account_id })).to.equal('queued')
      await put(String(account_id), { isWhatsappEnabled: false })
      expect(await outcomeFor({ account_id })).to.equal('whatsapp_disabled')
      await put(String(account_id), on)
      expect(await outcomeFor({ account_id })).to.equal('queued')
    })

    it('of a channel switch it off in an account that is on', async () => {
      const account_id = await anAccount(world())
      await put(`${account_id}/channels/1299`, { isWhatsappEnabled: false })
      expect(await outcomeFor({ account_id, channel_id: 1299 })).to.equal('whatsapp_disabled')
      expect(await outcomeFor({ account_id, channel_id: 1300 })).to.equal('queued')
    })

    it('of a channel switch it on in an account that is off', async () => {
      const account_id = await anAccount(world(), { isWhatsappEnabled: false })
      await put(`${account_id}/channels/1299`, on)
      expect(await outcomeFor({ account_id, channel_id: 1299 })).to.equal('queued')
      expect(await outcomeFor({ account_id, channel_id: 1300 })).to.equal('whatsapp_disabled')
    })

    it("of a channel override the account's, and leave the rest to it", async () => {
      const id = await anAccount(world(), { languages: ['hi'], timezone: 'UTC', defaultCountry: 'NL' })
      await put(`${id}/channels/1299`, { ...on, languages: ['en'] })
      const channel = await get(`${id}/channels/1299`)
      expect(channel).to.deep.include({ languages: ['en'], timezone: 'UTC', defaultCountry: 'NL' })
      expect(await get(String(id))).to.deep.include({ languages: ['hi'] })
    })

    it('have guards of an account only, for all of its channels', async () => {
      const id = String(await anAccount(world(), { guards: { messagesPerDay: 7 } }))
      const { status, body } = await put(`${id}/channels/1299`, { ...on, guards: { messagesPerDay: 5 } })
      expect([status, body.errors?.map(({ path }) => path)]).to.deep.equal([400, ['guards']])
      await put(`${id}/channels/1299`, on)
      expect((await get(`${id}/channels/1299`)).guards).to.deep.equal({ messagesPerDay: 7 })
    })

    it("may name the account's own connection and the platform's, nobody else's", async () => {
      const own = await anOwnConnection(world())
      const id = String(await anAccount(world()))
      const use = (whatsappSenderConnectionId: string) => put(id, { ...on, whatsappSenderConnectionId })
      expect((await use('1')).status, "the platform's").to.equal(200)
      for (const foreign of [own.connectionId, '999999', '0', '999999999999999999']) {
        const { status, body } = await use(foreign)
        expect(status, foreign).to.equal(422)
        expect(body.errors?.map(({ path }) => path)).to.deep.equal(['whatsappSenderConnectionId'])
      }
      expect(await get(id)).to.include({ whatsappSenderConnectionId: '1' })
    })

    it("of a client may name the platform's default connection, and another of the platform's only if it was given", async () => {
      const accountId = await anAccount(world())
      const { key } = await aKey(world(), accountId)
      const { body: spare } = await world().call<{ id: string }>('POST', '/v1/connections?verify=false', {
        ...{ accountId: 5, provider: 'meta', name: 'Spare', businessPhone: '+911140006666' },
        credentials: { ...simulatorAccount.credentials, phoneNumberId: '810000000006666' },
      })
      const path = `/v1/accounts/${accountId}/settings`
      const use = (whatsappSenderConnectionId: string | null) =>
        withKey(world(), key, 'PUT', path, { ...on, whatsappSenderConnectionId })
      expect((await use('1')).status, 'the default').to.equal(200)
      const [refused, absent] = [await use(spare.id), await use('999999')]
      expect(bodyOf(refused)).to.deep.include({
        status: 422,
        errors: [
          {
            path: 'whatsappSenderConnectionId',
            message: "is neither a connection of this account nor the platform's default one",
          },
        ],
      })
      expect(refused.text, 'nothing tells it from one that is not there').to.equal(absent.text)
      const fallback = { name: 'Own', provider: 'meta', businessPhone: '+911140006667', accountId }
      const credentials = { ...simulatorAccount.credentials, phoneNumberId: '810000000006667' }
      const create = (fallbackConnectionId: string) =>
        withKey(world(), key, 'POST', '/v1/connections?verify=false', {
          ...fallback,
          credentials,
          fallbackConnectionId,
        })
      expect((await create(spare.id)).status).to.equal(422)
      expect((await create('1')).status).to.equal(201)
      const verify = { accountId, name: 'x', language: 'en', connectionId: spare.id }
      expect((await withKey(world(), key, 'POST', '/v1/templates/verify', verify)).status).to.equal(422)

      expect((await put(String(accountId), { ...on, whatsappSenderConnectionId: spare.id })).status).to.equal(200)
      expect((await use(spare.id)).status, 'what the operator gave').to.equal(200)
      expect((await use(null)).status).to.equal(200)
      expect((await use(spare.id)).status, 'given back').to.equal(422)
    })
  })
}
