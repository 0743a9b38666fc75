import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { InboundEvent } from '../../src/core/contract/events.ts'
import type { PolledMessage, ProviderAdapter } from '../../src/core/contract/provider.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { createPollStore, type PollStore } from '../../src/core/polling/poll-store.ts'
import { type SweepPollsDeps, sweepPolls } from '../../src/core/polling/sweep-polls.ts'
import { createOutgoingStore, type OutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { BatcherFullError } from '../../src/core/storage/batcher.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { aConnection } from '../support/records.ts'
import { storages } from '../support/stories.ts'
import { createStorage } from '../support/world.ts'

const now = new Date('2026-11-20T06:30:00.000Z')

for (const kind of storages) {
  describe(`asking providers about messages on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let outgoing: OutgoingStore
    let polls: PollStore

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
      outgoing = createOutgoingStore(database)
      polls = createPollStore({ database, isPolled: async () => true, random: () => 0 })
    })
    beforeEach(async () => {
      for (const table of ['wa_outgoing_messages', 'wa_polls']) await database.write(`DELETE FROM ${table}`)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    /** Messages that were taken and are due to be asked about. */
    const taken = async (count: number, connectionId: number): Promise<number[]> => {
      const drafts = Array.from({ length: count }, () => {
        const reference = randomBytes(16).toString('base64url')
        const route = { connectionId, why: 'test' }
        const content = { type: 'text', text: 'Hello' } as const
        const facts = { accountId: 379, kind: 'fdr', connectionId, snapshot: {}, route, content }
        return { ...facts, reference, idempotencyKey: reference, state: 'queued' as const }
      })
      const inserted = await database.transaction((tx) => outgoing.insert(tx, drafts, now))
      const ids = inserted.map(({ id }) => id)
      for (const id of ids)
        await database.write(
          `UPDATE wa_outgoing_messages SET state = 'accepted', status_rank = 3, message_id = $2 WHERE id = $1`,
          [id, `m-${id}`],
        )
      const added = ids.map((id) => ({ id, connectionId }))
      await database.transaction((tx) => polls.add(tx, added, new Date(now.getTime() - 60_000)))
      return ids
    }
    const sweep = (poll: ProviderAdapter['poll'], receive: SweepPollsDeps['receive'] = async () => {}) =>
      sweepPolls({
        database,
        polls,
        outgoing,
        connection: async (id: number) => aConnection(id),
        adapter: () => ({ poll }) as ProviderAdapter,
        receive,
        log: createLogger('silent'),
        metrics: createMetrics(),
        now: () => now,
        random: () => 0,
      } satisfies SweepPollsDeps)

    it('does not wait for one that answers slowly before it asks the others', async () => {
      let asked = 0
      let release = () => {}
      const all = new Promise<void>((resolve) => {
        release = resolve
      })
      for (const connectionId of [1, 2, 3]) await taken(1, connectionId)
      await sweep(async () => {
        if (++asked === 3) release()
        await all
        return []
      })
      expect(asked).to.equal(3)
    })

    it('goes on beside a message that cannot be read', async () => {
      const ids = await taken(3, 1)
      await database.write(`UPDATE wa_outgoing_messages SET payload = '{broken' WHERE id = $1`, [ids[1] ?? 0])
      const asked: string[] = []
      await sweep(async (messages: readonly PolledMessage[]) => {
        asked.push(...messages.map(({ messageId }) => messageId))
        return []
      })
      expect(asked.sort()).to.deep.equal([`m-${ids[0]}`, `m-${ids[2]}`].sort())
    })

    it('ends its schedule for a message that cannot be read', async () => {
      const [id = 0] = await taken(1, 1)
      await database.write(`UPDATE wa_outgoing_messages SET payload = '{broken' WHERE id = $1`, [id])
      const since = sqlTime(new Date(now.getTime() - 49 * 3_600_000))
      await database.write('UPDATE wa_polls SET since = $2 WHERE wa_outgoing_message_id = $1', [id, since])
      await sweep(async () => [])
      expect(await database.select('SELECT wa_outgoing_message_id FROM wa_polls')).to.deep.equal([])
    })

    it('asks no more often when too much waits to be written', async () => {
      await taken(3, 1)
      let calls = 0
      const poll = async () => {
        calls++
        return [{ part: { type: 'unreadable', why: 'test', raw: {} } }] as unknown as InboundEvent[]
      }
      await sweep(poll, () => Promise.reject(new BatcherFullError()))
      expect(calls).to.equal(1)
    })
  })
}
