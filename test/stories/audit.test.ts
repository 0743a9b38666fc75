import { expect } from 'chai'
import { aKey, bodyOf, withKey } from '../support/clients.ts'
import { aCustomer, anAccount, anOwnConnection, asAdmin, eventFor, sharedWorld, storages } from '../support/stories.ts'
import type { World } from '../support/world.ts'

interface Entry {
  readonly id: string
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly subject: { readonly type: string; readonly id: string }
  readonly accountId: number
  readonly detail: { readonly before: unknown; readonly after: unknown }
}

const entriesOf = async (world: World, accountId: number): Promise<Entry[]> => {
  const { body } = await world.call<{ items: Entry[] }>('GET', `/v1/audit?accountId=${accountId}&limit=200`)
  return body.items
}

for (const storage of storages) {
  describe(`the audit log on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('says who changed which setting, from what to what', async () => {
      const accountId = await anAccount(world(), { timezone: 'Asia/Kolkata', accountSlug: 'acme-store' })
      const { key, prefix } = await aKey(world(), accountId)
      const body = { isWhatsappEnabled: false, timezone: 'Asia/Dubai' }
      expect((await withKey(world(), key, 'PUT', `/v1/accounts/${accountId}/settings`, body)).status).to.equal(200)
      const [changed, made, first] = await entriesOf(world(), accountId)
      expect(changed).to.deep.include({
        actor: prefix,
        action: 'settings.change',
        subject: { type: 'settings', id: String(accountId) },
        accountId,
        detail: {
          before: { isWhatsappEnabled: true, timezone: 'Asia/Kolkata' },
          after: { isWhatsappEnabled: false, timezone: 'Asia/Dubai' },
        },
      })
      expect(made).to.include({ actor: 'admin', action: 'api_key.create' })
      expect(first).to.include({ actor: 'admin', action: 'settings.change' })
    })

    it('says nothing where nothing was changed', async () => {
      const accountId = await anAccount(world())
      await world().call('PUT', `/v1/accounts/${accountId}/settings`, { isWhatsappEnabled: true })
      expect(await entriesOf(world(), accountId)).to.have.length(1)
    })

    it('names changed credentials, and nothing of what they are', async () => {
      const { accountId, connectionId, credentials } = await anOwnConnection(world())
      const accessToken = 'EAAanotherprivatetoken'
      const change = { name: 'Renamed', credentials: { accessToken }, state: 'paused' }
      const path = `/v1/connections/${connectionId}?verify=false`
      expect((await world().call('PATCH', path, change)).status).to.equal(200)
      const entries = await entriesOf(world(), accountId)
      expect(entries[0]).to.deep.include({
        action: 'connection.change',
        subject: { type: 'connection', id: connectionId },
      })
      expect(entries[0]?.detail).to.deep.equal({
        before: { name: 'Own', state: 'active' },
        after: { name: 'Renamed', state: 'paused', credentials: ['accessToken'] },
      })
      const text = JSON.stringify(entries)
      for (const secret of [accessToken, credentials.accessToken ?? '', credentials.appSecret ?? ''])
        expect(text).not.to.include(secret)
      expect(entries.map(({ action }) => action)).to.include('connection.create')
    })

    it('says who made and who revoked a key', async () => {
      const accountId = await anAccount(world())
      const { key, id, prefix } = await aKey(world(), accountId)
      await withKey(world(), key, 'DELETE', `/v1/api-keys/${id}`)
      const [revoked, made] = await entriesOf(world(), accountId)
      expect(revoked).to.include({ actor: prefix, action: 'api_key.revoke' })
      expect(made).to.include({ actor: 'admin', action: 'api_key.create' })
      expect(JSON.stringify([revoked, made])).not.to.include(key)
    })

    it('says who replayed a rejected event, and what came of it', async () => {
      const accountId = await anAccount(world())
      const { key, prefix } = await aKey(world(), accountId)
      const bad = eventFor(aCustomer(), { account_id: accountId, remarks: 'hm', track_payload: {} })
      const { body } = await world().call<{ rejectedEventId: string }>('POST', '/v1/events', bad)
      const path = `/v1/rejected-events/${body.rejectedEventId}/replay`
      expect((await withKey(world(), key, 'POST', path)).status, 'still bad').to.equal(422)
      expect((await entriesOf(world(), accountId)).map(({ action }) => action)).not.to.include('rejected_event.replay')
      const mended = Buffer.from(JSON.stringify(eventFor(aCustomer(), { account_id: accountId })))
      await world().database.write('UPDATE rejected_events SET body = $2 WHERE id = $1', [body.rejectedEventId, mended])
      expect((await withKey(world(), key, 'POST', path)).status).to.equal(202)
      const [entry] = await entriesOf(world(), accountId)
      expect(entry).to.include({ actor: prefix, action: 'rejected_event.replay' })
      expect(entry?.detail).to.deep.equal({
        before: { state: 'parked' },
        after: { state: 'replayed', outcome: 'queued' },
      })
    })

    it('gives its pages newest first, and each client its own', async () => {
      const [mine, other] = [await anAccount(world()), await anAccount(world())]
      const { key } = await aKey(world(), mine)
      await aKey(world(), other)
      const all: Entry[] = []
      for (let cursor = ''; ; ) {
        const page = bodyOf<{ items: Entry[]; next: string | null }>(
          await withKey(world(), key, 'GET', `/v1/audit?limit=1${cursor}`),
        )
        all.push(...page.items)
        if (!page.next) break
        cursor = `&cursor=${page.next}`
      }
      expect(all.map(({ action }) => action)).to.deep.equal(['api_key.create', 'settings.change'])
      expect(new Set(all.map(({ accountId }) => accountId))).to.deep.equal(new Set([mine]))
      const everything = bodyOf<{ items: Entry[] }>(await asAdmin(world(), 'GET', '/v1/audit?limit=200'))
      expect(everything.items.length).to.be.greaterThan(all.length)
    })
  })
}
