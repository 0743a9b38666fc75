import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { simulatorAccount } from '../support/fixtures.ts'
import {
  anOwnConnection,
  aWebhook,
  dumpOf,
  http,
  inWorld,
  settle,
  sharedWorld,
  storages,
  tell,
} from '../support/stories.ts'

interface Target {
  /** Path of the connection's own webhook. */
  readonly path: string
  readonly credentials: Readonly<Record<string, string>>
  readonly verifyToken: string
  /** Of another client. */
  readonly otherSecret: string
  readonly otherPath: string
}

interface Forgery {
  readonly path: string
  readonly body: string
  readonly headers: Record<string, string>
}

const hmac = (body: string, key: string, algorithm = 'sha256') => createHmac(algorithm, key).update(body).digest('hex')
const signed = (path: string, body: string, signature: string): Forgery => ({
  path,
  body,
  headers: { 'x-hub-signature-256': signature },
})

/** How a webhook can be wrong; each is made of a right one. */
const kinds: Readonly<Record<string, (target: Target, body: string, n: number) => Forgery>> = {
  'no signature': ({ path }, body) => ({ path, body, headers: {} }),
  'an empty signature': ({ path }, body) => signed(path, body, ''),
  'the prefix alone': ({ path }, body) => signed(path, body, 'sha256='),
  'no prefix': ({ path, credentials }, body) => signed(path, body, hmac(body, credentials.appSecret ?? '')),
  'another prefix': ({ path, credentials }, body) =>
    signed(path, body, `sha512=${hmac(body, credentials.appSecret ?? '')}`),
  'the old header': ({ path, credentials }, body) => ({
    path,
    body,
    headers: { 'x-hub-signature': `sha1=${hmac(body, credentials.appSecret ?? '', 'sha1')}` },
  }),
  'random digits': ({ path }, body, n) => signed(path, body, `sha256=${hmac(String(n), 'random')}`),
  'no hex': ({ path }, body) => signed(path, body, `sha256=${'zz'.repeat(32)}`),
  'one digit changed': ({ path, credentials }, body, n) => {
    const right = hmac(body, credentials.appSecret ?? '')
    const at = n % right.length
    const digit = right[at] === '0' ? '1' : '0'
    return signed(path, body, `sha256=${right.slice(0, at)}${digit}${right.slice(at + 1)}`)
  },
  'cut short': ({ path, credentials }, body, n) =>
    signed(path, body, `sha256=${hmac(body, credentials.appSecret ?? '').slice(0, n % 64)}`),
  'too long': ({ path, credentials }, body) =>
    signed(path, body, `sha256=${hmac(body, credentials.appSecret ?? '')}00`),
  'signature of another body': ({ path, credentials }, body, n) =>
    signed(path, body, `sha256=${hmac(`${body}${n}`, credentials.appSecret ?? '')}`),
  'signature of nothing': ({ path, credentials }, body) =>
    signed(path, body, `sha256=${hmac('', credentials.appSecret ?? '')}`),
  'signature of the JSON written anew': ({ path, credentials }, body) =>
    signed(
      path,
      body.replace('{', '{ '),
      `sha256=${hmac(JSON.stringify(JSON.parse(body)), credentials.appSecret ?? '')}`,
    ),
  'an empty secret': ({ path }, body) => signed(path, body, `sha256=${hmac(body, '')}`),
  'the verify token as secret': ({ path, verifyToken }, body) =>
    signed(path, body, `sha256=${hmac(body, verifyToken)}`),
  'the access token as secret': ({ path, credentials }, body) =>
    signed(path, body, `sha256=${hmac(body, credentials.accessToken ?? '')}`),
  "another client's secret": ({ path, otherSecret }, body) => signed(path, body, `sha256=${hmac(body, otherSecret)}`),
  "the platform's URL, a client's secret": ({ credentials }, body) =>
    signed('/webhooks/meta', body, `sha256=${hmac(body, credentials.appSecret ?? '')}`),
  "another client's URL": ({ otherPath, credentials }, body) =>
    signed(otherPath, body, `sha256=${hmac(body, credentials.appSecret ?? '')}`),
  'a URL that nobody has': ({ path, credentials }, body, n) =>
    signed(
      `${path.slice(0, -3)}${String(n).padStart(3, '0')}`,
      body,
      `sha256=${hmac(body, credentials.appSecret ?? '')}`,
    ),
  "another provider's URL": ({ path, credentials }, body) =>
    signed(path.replace('/meta/', '/twin24/'), body, `sha256=${hmac(body, credentials.appSecret ?? '')}`),
}

/** The one note that is kept, and the heartbeat of the gateway, which goes on meanwhile. */
const ofOthers = ['wa_webhook_notes', 'gateway_replicas']

/** So many of each kind. */
const each = 50

for (const storage of storages) {
  describe(`forged webhooks on ${storage}`, function () {
    this.timeout(90_000)

    it(`of ${Object.keys(kinds).length} kinds are all refused and change nothing, ${each} of each`, () =>
      inWorld({ storage }, async (world) => {
        const [own, other] = [await anOwnConnection(world), await anOwnConnection(world)]
        const shown = await world.call<{ webhook: { verifyToken: string } }>(
          'GET',
          `/v1/connections/${own.connectionId}`,
        )
        const target = {
          ...own,
          verifyToken: shown.body.webhook.verifyToken,
          otherSecret: other.credentials.appSecret ?? '',
          otherPath: other.path,
        }
        const reply = (n: number) => ({
          from: '919810012345',
          id: `wamid.FORGED${n}`,
          timestamp: '1790000000',
          type: 'text',
        })
        await settle(world)
        const before = await dumpOf(world, ...ofOthers)
        const answers = new Map<string, number>()
        for (const [kind, forge] of Object.entries(kinds))
          for (let n = 0; n < each; n++) {
            const { path, body, headers } = forge(
              target,
              JSON.stringify(aWebhook({ messages: [reply(n)] }, own.phoneNumberId)),
              n,
            )
            const { status } = await http(world, 'POST', path, {
              body,
              headers: { 'content-type': 'application/json', ...headers },
            })
            expect(status, kind).to.be.oneOf([401, 404])
            answers.set(kind, (answers.get(kind) ?? 0) + 1)
          }
        expect([...answers.values()].reduce((sum, count) => sum + count, 0)).to.be.at.least(1_000)
        expect(await dumpOf(world, ...ofOthers)).to.equal(before)
        const notes = await world.rows('SELECT * FROM wa_webhook_notes')
        expect(notes.length, 'one row for each of the three connections at most').to.be.at.most(3)
      }))
  })

  describe(`webhooks of one app for many numbers, on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const repliesOf = (wamid: string) =>
      world().rows<{ connection_id: number }>(
        `SELECT connection_id FROM wa_customer_reply_messages WHERE reply_message_id = '${wamid}'`,
      )
    const reply = (id: string) => ({
      from: '919810012345',
      id,
      timestamp: String(Math.floor(Date.now() / 1_000)),
      type: 'text',
      text: { body: 'Hello' },
    })

    it('go to the number that they name, and are parked when it is none of theirs', async () => {
      const { appSecret, accessToken, wabaId } = simulatorAccount.credentials
      const phoneNumberId = '810000000000777'
      const { body } = await world().call<{ id: string; webhook: { callbackUrl: string } }>(
        'POST',
        '/v1/connections?verify=false',
        {
          accountId: 5,
          provider: 'meta',
          name: 'Second number',
          businessPhone: '+911140007777',
          credentials: { phoneNumberId, wabaId, accessToken, appSecret },
        },
      )
      await tell(world(), aWebhook({ messages: [reply('wamid.FIRST')] }))
      await tell(world(), aWebhook({ messages: [reply('wamid.SECOND')] }, phoneNumberId))
      expect(await repliesOf('wamid.FIRST')).to.deep.equal([{ connection_id: 1 }])
      expect(await repliesOf('wamid.SECOND')).to.deep.equal([{ connection_id: Number(body.id) }])
      // The app's secret is right, the number is another one's than this URL stands for.
      const path = new URL(body.webhook.callbackUrl).pathname
      await tell(world(), aWebhook({ messages: [reply('wamid.ELSEWHERE')] }), path)
      expect(await repliesOf('wamid.ELSEWHERE')).to.deep.equal([])
      const parked = await world().rows<{ reason: string }>(
        "SELECT reason FROM rejected_events WHERE source = 'webhook'",
      )
      expect(parked).to.deep.equal([{ reason: 'misrouted_webhook' }])
    })
  })
}
