import { expect } from 'chai'
import { simulatorAccount } from '../support/fixtures.ts'
import {
  anOwnConnection,
  aSilentMessage,
  aStatus,
  aWebhook,
  dumpOf,
  http,
  inWorld,
  postWebhook,
  settle,
  sharedWorld,
  signatureOf,
  storages,
  timelineOf,
} from '../support/stories.ts'
import type { World } from '../support/world.ts'

const { appSecret } = simulatorAccount.credentials

/** Bytes as Meta signs them: escaped, and signed with `test_app_secret_0001`. */
const signedVector = {
  body: String.raw`{"object":"whatsapp_business_account","entry":[{"id":"910000000000001","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"4930555001","phone_number_id":"810000000000001"},"contacts":[{"profile":{"name":"J\u00fcrgen"},"wa_id":"4915550001111"}],"messages":[{"from":"4915550001111","id":"wamid.TESTVECTOR0001","timestamp":"1790000000","text":{"body":"Gr\u00fc\u00dfe https:\/\/example.com\/a"},"type":"text"}]},"field":"messages"}]}]}`,
  signature: 'sha256=3028c3dc33db0d81c51ed69d68aa888b09c8137afbf58ebe0e3c785459455fc7',
}

const stranger = { wamid: 'wamid.STRANGER0001', to: '919810012345' }

const platformUrls = ['/webhooks/meta', '/api/v1/whatsapp/webhook']

interface Parked {
  readonly id: string
  readonly source: string
  readonly reason: string
  readonly detail: string
  readonly body: string
}

const parkedIn = async (world: World) =>
  (await world.call<{ items: Parked[] }>('GET', '/v1/rejected-events')).body.items.filter(
    ({ source }) => source === 'webhook',
  )

const verifyTokenOf = async (world: World): Promise<string> => {
  const { body } = await world.call<{ items: { webhook: { verifyToken: string } }[] }>('GET', '/v1/connections')
  return body.items[0]?.webhook.verifyToken ?? ''
}

const handshake = (world: World, path: string, query: Record<string, string>) =>
  http(world, 'GET', `${path}?${new URLSearchParams(query)}`)

for (const storage of storages) {
  describe(`webhooks on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('are refused without a right signature, with the same empty words, and change nothing', () =>
      inWorld({ storage }, async (fresh) => {
        const body = JSON.stringify(aWebhook({ statuses: [aStatus(stranger, 'read')] }))
        const right = signatureOf(body)
        const before = await dumpOf(fresh, 'wa_webhook_notes')
        const wrong = {
          'none at all': '',
          'without its prefix': right.slice('sha256='.length),
          'cut short': right.slice(0, -1),
          'too long': `${right}0`,
          'of another secret': signatureOf(body, 'another_secret'),
          'of another body': signatureOf(`${body} `),
          'of an empty secret': signatureOf(body, ''),
          'of an older kind': `sha1=${right.slice('sha256='.length)}`,
          'no hex': `sha256=${'z'.repeat(64)}`,
        }
        const answers = new Set<string>()
        for (const [label, signature] of Object.entries(wrong)) {
          const { status, text } = await postWebhook(fresh, body, { signature })
          expect(status, label).to.equal(401)
          answers.add(text)
        }
        expect([...answers]).to.have.length(1)
        expect([...answers][0]).not.to.match(/signature|secret|sha256|hmac/i)
        expect(await dumpOf(fresh, 'wa_webhook_notes')).to.equal(before)
      }))

    it('are verified over the bytes that were sent', async () => {
      const { body, signature } = signedVector
      expect(Buffer.byteLength(body)).to.equal(468)
      expect((await postWebhook(world(), body, { signature })).status).to.equal(200)
      const rows = await world().rows(
        "SELECT customer_reply_value AS value, from_phone AS phone FROM wa_customer_reply_messages WHERE reply_message_id = 'wamid.TESTVECTOR0001'",
      )
      expect(rows).to.deep.equal([{ value: 'Grüße https://example.com/a', phone: '+4915550001111' }])
    })

    it('are not verified over the same JSON written anew', async () => {
      const rewritten = JSON.stringify(JSON.parse(signedVector.body))
      expect((await postWebhook(world(), rewritten, { signature: signedVector.signature })).status).to.equal(401)
    })

    it('of one connection are not accepted with the secret of another', async () => {
      const { path, credentials } = await anOwnConnection(world())
      const body = JSON.stringify(aWebhook({ statuses: [aStatus(stranger, 'read')] }))
      const answers = [
        await postWebhook(world(), body, { path, signature: signatureOf(body, appSecret) }),
        await postWebhook(world(), body, { signature: signatureOf(body, credentials.appSecret) }),
      ]
      expect(answers.map(({ status }) => status)).to.deep.equal([401, 401])
    })

    it('are accepted with the old and the new secret while it is changed', async () => {
      const credentials = {
        ...simulatorAccount.credentials,
        phoneNumberId: '830000000000001',
        appSecret: 'the_new_secret_01',
        previousAppSecret: 'the_old_secret_01',
      }
      const draft = { accountId: 700, provider: 'meta', name: 'Rotating', businessPhone: '+911140005678', credentials }
      const { body: created } = await world().call<{ webhook: { callbackUrl: string } }>(
        'POST',
        '/v1/connections?verify=false',
        draft,
      )
      const { pathname: path } = new URL(created.webhook.callbackUrl)
      const body = JSON.stringify(aWebhook({ statuses: [aStatus(stranger, 'read')] }, '830000000000001'))
      for (const secret of ['the_new_secret_01', 'the_old_secret_01']) {
        const { status } = await postWebhook(world(), body, { path, signature: signatureOf(body, secret) })
        expect(status, secret).to.equal(200)
      }
    })

    it('answer the handshake with the challenge alone', async () => {
      const token = await verifyTokenOf(world())
      for (const path of platformUrls) {
        const query = { 'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': token }
        const { status, text } = await handshake(world(), path, query)
        expect({ status, text }, path).to.deep.equal({ status: 200, text: '1158201444' })
      }
    })

    it('refuse a handshake with anything wrong in it', async () => {
      const right = {
        'hub.mode': 'subscribe',
        'hub.challenge': '1158201444',
        'hub.verify_token': await verifyTokenOf(world()),
      }
      const wrong: Record<string, string>[] = [
        { ...right, 'hub.verify_token': 'guessed' },
        { ...right, 'hub.verify_token': '' },
        { ...right, 'hub.mode': 'unsubscribe' },
        { ...right, 'hub.challenge': '<script>alert(1)</script>' },
        { ...right, 'hub.challenge': '' },
        { ...right, 'hub.challenge': 'x'.repeat(5000) },
        {},
      ]
      for (const query of wrong) {
        const { status, text } = await handshake(world(), '/webhooks/meta', query)
        expect(status, JSON.stringify(query)).to.equal(403)
        expect(text).not.to.include('script')
      }
    })

    it("complete the provider's own check of the URL", async () => {
      const verified = await world().provider.verifyWebhook(simulatorAccount.credentials.phoneNumberId)
      expect(verified).to.include({ ok: true })
    })

    it('keep the good elements of a batch and park the broken ones', async () => {
      const one = await aSilentMessage(world())
      const other = await aSilentMessage(world())
      const before = (await parkedIn(world())).length
      const broken = [{ id: 'wamid.NOSTATUS' }, 17, null, { status: 'read' }]
      const statuses = [aStatus(one.sent, 'delivered'), ...broken, aStatus(other.sent, 'read')]
      const { status } = await postWebhook(world(), aWebhook({ statuses, messages: [{ from: '919810012345' }] }))
      await settle(world())
      expect(status).to.equal(200)
      expect((await timelineOf(world(), one.id)).status).to.equal('delivered')
      expect((await timelineOf(world(), other.id)).status).to.equal('read')
      const parked = (await parkedIn(world())).slice(0, -before || undefined)
      expect(parked).to.have.length(5)
      expect(new Set(parked.map(({ reason }) => reason))).to.deep.equal(new Set(['unreadable_part']))
      expect(parked.map(({ body }) => body)).to.include('{"id":"wamid.NOSTATUS"}')
    })

    it('park what is addressed to a number that is not behind their URL', async () => {
      const message = await aSilentMessage(world())
      const webhook = aWebhook({ statuses: [aStatus(message.sent, 'read')] }, '899999999999999')
      expect((await postWebhook(world(), webhook)).status).to.equal(200)
      await settle(world())
      expect((await timelineOf(world(), message.id)).status).to.equal('accepted')
      const [parked] = await parkedIn(world())
      expect(parked?.reason).to.equal('misrouted_webhook')
      expect(parked?.detail).to.include('899999999999999')
      expect(parked?.body).to.include(message.sent.wamid)
    })

    for (const path of platformUrls) {
      it(`reach the platform's connection at ${path}`, async () => {
        const message = await aSilentMessage(world())
        const { status } = await postWebhook(world(), aWebhook({ statuses: [aStatus(message.sent, 'read')] }), { path })
        await settle(world())
        expect(status).to.equal(200)
        expect((await timelineOf(world(), message.id)).status).to.equal('read')
      })
    }

    it('are not found at a URL that nobody was given', async () => {
      const { status } = await postWebhook(world(), aWebhook({}), { path: '/webhooks/meta/AAAAAAAAAAAAAAAAAAAAAAAA' })
      expect(status).to.equal(404)
    })

    it('that are signed but unreadable are kept for a person', async () => {
      for (const body of ['', 'not json', '[]', '{"object":"page"}', 'null']) {
        expect((await postWebhook(world(), body)).status, body).to.equal(200)
      }
      const parked = await parkedIn(world())
      expect(parked.map(({ body }) => body)).to.include(JSON.stringify('not json'))
    })

    it('about matters that are not known are kept as entries of their connection', async () => {
      const change = { field: 'something_new', value: { event: 'NOBODY_KNOWS' } }
      const { wabaId } = simulatorAccount.credentials
      const webhook = { object: 'whatsapp_business_account', entry: [{ id: wabaId, changes: [change] }] }
      const before = await parkedIn(world())
      expect((await postWebhook(world(), webhook)).status).to.equal(200)
      expect(await parkedIn(world())).to.deep.equal(before)
      const { body } = await world().call<{ items: object[] }>('GET', '/v1/connections/1/events')
      expect(body.items[0]).to.deep.include({ topic: 'something_new', severity: 'info', payload: change.value })
    })

    it('about an account that is not behind their URL are parked', async () => {
      const change = { field: 'account_update', value: { event: 'ACCOUNT_DELETED' } }
      const webhook = { object: 'whatsapp_business_account', entry: [{ id: '990000000000009', changes: [change] }] }
      expect((await postWebhook(world(), webhook)).status).to.equal(200)
      const [parked] = await parkedIn(world())
      expect(parked?.reason).to.equal('misrouted_webhook')
      expect(parked?.detail).to.include('account_update').and.to.include('990000000000009')
    })

    it('may be as large as Meta makes them', async () => {
      const message = await aSilentMessage(world())
      const statuses = [aStatus(message.sent, 'read', { padding: 'x'.repeat(3 * 1024 * 1024) })]
      expect((await postWebhook(world(), aWebhook({ statuses }))).status).to.equal(200)
      await settle(world())
      expect((await timelineOf(world(), message.id)).status).to.equal('read')
    })

    it('that are larger than any real one are refused', async () => {
      const { status } = await postWebhook(world(), ' '.repeat(5 * 1024 * 1024))
      expect(status).to.equal(413)
    })
  })
}
