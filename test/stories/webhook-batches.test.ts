import { expect } from 'chai'
import { startApp } from '../../src/app.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createOutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { readEnv } from '../../src/env.ts'
import { configDir } from '../../src/paths.ts'
import {
  aSilentMessage,
  aStatus,
  aWebhook,
  inWorld,
  postWebhook,
  settle,
  sharedWorld,
  storages,
} from '../support/stories.ts'
import { adminKey, until, type World } from '../support/world.ts'

const to = '919810012345'
let nextBatch = 1

/** Messages that the provider took, as many as are wanted, without sending each. */
async function acceptedMessages(world: World, count: number): Promise<string[]> {
  const { database } = world
  const store = createOutgoingStore(database)
  const now = new Date()
  const batch = nextBatch++
  const wamids = Array.from({ length: count }, (_, index) => `wamid.BATCH${batch}x${index}`)
  const drafts = wamids.map((wamid) => ({
    reference: wamid.slice(-22).padEnd(22, '_'),
    accountId: 379,
    kind: 'fdr',
    idempotencyKey: wamid,
    connectionId: 1,
    customerPhone: `+${to}`,
    content: { type: 'text', text: 'x' } as const,
    snapshot: {},
    route: { connectionId: 1, why: '' },
    state: 'queued' as const,
    dueAt: new Date('2100-01-01'),
  }))
  await database.transaction(async (tx) => {
    const inserted = await store.insert(tx, drafts, now)
    const records = await store.lock(
      tx,
      inserted.map(({ id }) => id),
    )
    const taken = [...records.values()].map((record, index) => ({
      ...record,
      state: 'accepted' as const,
      statusRank: 3,
      dueAt: null,
      acceptedAt: now,
      messageId: wamids[index] ?? null,
    }))
    await store.apply(tx, taken, now)
  })
  return wamids
}

const countOf = async (world: World, what: string): Promise<number> =>
  Number((await world.rows<{ n: number }>(`SELECT COUNT(*) AS n FROM ${what}`))[0]?.n)

/** 980 sound statuses of 490 messages, and 20 broken ones among them. */
function aThousandUpdates(wamids: readonly string[]): unknown[] {
  const sound = wamids.flatMap((wamid) => [aStatus({ wamid, to }, 'sent'), aStatus({ wamid, to }, 'delivered')])
  const broken = Array.from({ length: 20 }, (_, index) => ({ id: `wamid.BROKEN${index}`, padding: index }))
  for (const [index, element] of broken.entries()) sound.splice(index * 50, 0, element)
  return sound
}

for (const storage of storages) {
  describe(`batches of webhooks on ${storage}`, function () {
    this.timeout(60_000)
    const world = sharedWorld({ storage })

    it('of a thousand updates are answered within a second; 980 are applied, 20 broken ones parked', async function () {
      // The second belongs to the gateway, not to whatever else the machine is busy with.
      this.retries(2)
      // Once before it is measured: connections are opened, statements prepared.
      await postWebhook(world(), aWebhook({ statuses: aThousandUpdates(await acceptedMessages(world(), 490)) }))
      await settle(world(), 30_000)
      const parkedBefore = await countOf(world(), 'rejected_events')
      const wamids = await acceptedMessages(world(), 490)
      const statuses = aThousandUpdates(wamids).map((status) => ({ ...(status as object), second: true }))
      expect(statuses).to.have.length(1_000)
      // The second time as when our answer was lost on its way: all of it is there already.
      for (const time of ['first', 'second']) {
        const startedAt = performance.now()
        const { status } = await postWebhook(world(), aWebhook({ statuses }))
        expect(status).to.equal(200)
        expect(performance.now() - startedAt, `milliseconds to the ${time} answer`).to.be.lessThan(1_000)
        await settle(world(), 30_000)
      }
      expect(await countOf(world(), 'rejected_events')).to.equal(parkedBefore + 20)
      const mine = `message_id LIKE '${wamids[0]?.split('x')[0]}x%'`
      const applied = `wa_dlr_messages WHERE wa_outgoing_message_id IS NOT NULL AND ${mine}`
      await until('all are applied', async () => (await countOf(world(), applied)) === 980, 30_000)
      expect(await countOf(world(), `wa_dlr_messages WHERE ${mine}`)).to.equal(980)
      expect(await countOf(world(), `wa_outgoing_messages WHERE status_rank = 6 AND ${mine}`)).to.equal(490)
    })

    it('of more parts than any provider sends are parked as one', async () => {
      const before = await countOf(world(), 'rejected_events')
      const body = JSON.stringify({ entry: Array.from({ length: 5_001 }, () => 0) })
      expect((await postWebhook(world(), body)).status).to.equal(200)
      expect(await countOf(world(), 'rejected_events')).to.equal(before + 1)
    })

    it('that are nested too deep, or have too many values, are parked unread', async () => {
      const deep = `{"entry":${'['.repeat(40)}${']'.repeat(40)}}`
      const wide = `{"entry":[${Array.from({ length: 260_000 }, () => 0).join(',')}]}`
      for (const body of [deep, wide]) {
        expect((await postWebhook(world(), body)).status).to.equal(200)
      }
      const { body } = await world().call<{ items: { detail: string }[] }>('GET', '/v1/rejected-events?limit=2')
      expect(body.items.map(({ detail }) => detail)).to.deep.equal([
        'more than 250000 values',
        'nested more than 32 deep',
      ])
    })
  })

  describe(`webhooks that were answered and not applied yet, on ${storage}`, () => {
    it('are applied by whichever process comes next', () =>
      inWorld({ storage, env: { ROLES: 'http' } }, async (world) => {
        const { id, sent } = await aSilentMessage(world)
        expect((await postWebhook(world, aWebhook({ statuses: [aStatus(sent, 'read')] }))).status).to.equal(200)
        const rankOf = async () =>
          (await world.rows<{ r: number }>(`SELECT status_rank AS r FROM wa_outgoing_messages WHERE id = ${id}`))[0]?.r
        expect(await rankOf()).to.equal(3)
        await world.app.stop()
        const next = await startApp({
          env: readEnv({ ...world.env, ROLES: 'http,consumers' }),
          log: createLogger('silent'),
          configDir,
          secretsKeys: world.env.SECRETS_KEYS ?? '',
          adminKey,
        })
        await until('the report is applied', async () => (await rankOf()) === 7).finally(next.stop)
      }))
  })
}
