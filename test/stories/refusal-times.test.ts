import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { expectSameTime } from '../support/same-time.ts'
import { anOwnConnection, aWebhook, http, postWebhook, sharedWorld, signatureOf, storages } from '../support/stories.ts'
import type { World } from '../support/world.ts'

const rounds = 40
const maxTries = 5
const aKey = () => randomBytes(24).toString('base64url')

/** Keys of connections that are deleted, none of which anybody has asked for yet. */
async function deletedKeys(world: World, connectionId: string, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, aKey)
  const columns = 'account_id, provider, name, sender_id, business_phone, verify_token, created_at, updated_at'
  for (const key of keys)
    await world.database.write(
      `INSERT INTO wa_connections (${columns}, credentials, webhook_key, state)
       SELECT ${columns}, '{}', $2, 'deleted' FROM wa_connections WHERE id = $1`,
      [connectionId, key],
    )
  return keys
}

for (const storage of storages) {
  describe(`refused webhooks take the same time, on ${storage}`, function () {
    this.timeout(120_000)
    const world = sharedWorld({ storage })
    const reply = { from: '919810012345', id: 'wamid.FORGED', timestamp: '1790000000', padding: 'x'.repeat(100_000) }
    const bodyFor = (phoneNumberId: string) => JSON.stringify(aWebhook({ messages: [reply] }, phoneNumberId))

    it('whatever is wrong with the signature (401)', async () => {
      const [own, other] = [await anOwnConnection(world()), await anOwnConnection(world())]
      const body = bodyFor(own.phoneNumberId)
      const right = signatureOf(body, own.credentials.appSecret)
      const flipped = (at: number) => right.slice(0, at) + (right[at] === '0' ? '1' : '0') + right.slice(at + 1)
      const refused = (signature: string) => async () =>
        expect((await postWebhook(world(), body, { path: own.path, signature })).status).to.equal(401)
      await expectSameTime(
        '401',
        {
          "another connection's secret": refused(signatureOf(body, other.credentials.appSecret)),
          'first digit': refused(flipped('sha256='.length)),
          'last digit': refused(flipped(right.length - 1)),
          'cut short': refused(right.slice(0, 40)),
          'no signature': refused(''),
        },
        rounds,
      )
    })

    it('whether there was once a connection with the key or never (404)', async () => {
      const { connectionId, phoneNumberId, credentials } = await anOwnConnection(world())
      const body = bodyFor(phoneNumberId)
      const signature = signatureOf(body, credentials.appSecret)
      const refused = async (key: string) =>
        expect((await postWebhook(world(), body, { path: `/webhooks/meta/${key}`, signature })).status).to.equal(404)
      const [deleted = '', ...unasked] = await deletedKeys(world(), connectionId, 1 + rounds * maxTries)
      const unknown = aKey()
      await expectSameTime(
        '404 at the first look at a key',
        { unknown: () => refused(aKey()), deleted: () => refused(unasked.pop() ?? aKey()) },
        rounds,
      )
      await expectSameTime('404 later', { unknown: () => refused(unknown), deleted: () => refused(deleted) }, rounds)
    })

    it('whether the verify token is wrong or nobody has the key (403)', async () => {
      const { path } = await anOwnConnection(world())
      const query = new URLSearchParams({
        'hub.mode': 'subscribe',
        'hub.challenge': '1',
        'hub.verify_token': 'guessed',
      })
      const refused = (to: string) => async () =>
        expect((await http(world(), 'GET', `${to}?${query}`)).status).to.equal(403)
      const ask = { 'wrong token': refused(path), 'unknown key': refused(`/webhooks/meta/${aKey()}`) }
      await expectSameTime('403', ask, rounds)
    })
  })
}
