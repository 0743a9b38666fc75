import { expect } from 'chai'
import { createLogger } from '../../src/core/observe/logger.ts'
import { createRetention } from '../../src/core/privacy/retention.ts'
import type { RetentionDays } from '../../src/core/privacy/retention-steps.ts'
import type { OnUncleared } from '../../src/core/privacy/row-by-row.ts'
import type { SqlValue } from '../../src/core/storage/database.ts'
import { createLease } from '../../src/core/storage/lease.ts'
import { failingWhere } from '../support/failing-database.ts'
import { aFirstMessage, dumpOf, eventFor, inWorld, say, storages, tap, timelineOf } from '../support/stories.ts'
import type { World } from '../support/world.ts'

const days: RetentionDays = { bodies: 30, metadata: 395 }
const dayMs = 86_400_000

/** Clears all that is old so many days from now. */
async function clearIn(world: World, daysFromNow: number, { database }: Pick<World, 'database'> = world) {
  const now = () => new Date(Date.now() + daysFromNow * dayMs)
  const lease = createLease({ database: world.database, name: 'test', now })
  const uncleared: [table: string, id: number][] = []
  const onUncleared: OnUncleared = (table, id) => void uncleared.push([table, Number(id)])
  const clear = createRetention({ database, days, lease, onUncleared, log: createLogger('silent'), now })
  expect(await lease.hold(), 'nobody else does it').to.be.a('number')
  while ((await clear()) > 0);
  await lease.release()
  return uncleared
}

const words = 'please leave it with quillfeather next door'
const personal = { customerName: 'Zara Quillfeather', email: 'zara@example.org' }

async function aConversation(world: World) {
  const told = await aFirstMessage(world, personal)
  await tap(world, told.sent, 'Reattempt')
  await say(world, told.customer, words)
  const bad = eventFor(told.customer, { ...personal, remarks: 'hm', track_payload: {} })
  expect((await world.call('POST', '/v1/events', bad)).status).to.equal(422)
  return told
}

const leftOf = async (world: World, local: string): Promise<string[]> => {
  const dump = await dumpOf(world)
  return [local, words, ...Object.values(personal)].filter((trace) => dump.includes(trace))
}

/** Tables with rows about messages and people. */
const about = [
  'wa_outgoing_messages',
  'wa_send_attempts',
  'wa_dlr_messages',
  'wa_customer_reply_messages',
  'wa_conversations',
  'ndr_actions',
  'activity_events',
  'rejected_events',
]

async function rowsIn(world: World): Promise<Record<string, number>> {
  const counts = await Promise.all(
    about.map(async (table) => {
      const [row] = await world.rows<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`)
      return [table, Number(row?.n)] as const
    }),
  )
  return Object.fromEntries(counts)
}

for (const storage of storages) {
  describe(`what is kept no longer than it may be, on ${storage}`, function () {
    this.timeout(60_000)

    it('leaves young messages as they are', () =>
      inWorld({ storage }, async (world) => {
        const { customer } = await aConversation(world)
        await clearIn(world, 29)
        expect(await leftOf(world, customer.local)).to.have.length(4)
      }))

    it('clears words and people after their time, and keeps what happened', () =>
      inWorld({ storage }, async (world) => {
        const { customer, id } = await aConversation(world)
        const before = await timelineOf(world, id)
        const rows = await rowsIn(world)
        await clearIn(world, 31)
        expect(await leftOf(world, customer.local)).to.deep.equal([])
        expect(await rowsIn(world)).to.deep.equal(rows)
        const after = await timelineOf(world, id)
        for (const field of ['state', 'status', 'messageId', 'sentAt', 'readAt'] as const)
          expect(after[field], field).to.deep.equal(before[field])
        expect(after.activity.map(({ event }) => event.eventSubType)).to.deep.equal(
          before.activity.map(({ event }) => event.eventSubType),
        )
        expect(after.actions.map(({ action, state }) => [action, state])).to.deep.equal([['reattempt', 'taken']])
      }))

    it('asks for nothing to be replayed that is not there any more', () =>
      inWorld({ storage }, async (world) => {
        await aConversation(world)
        await clearIn(world, 31)
        const [row] = await world.rows<{ id: number }>('SELECT id FROM rejected_events')
        const answer = await world.call('POST', `/v1/rejected-events/${row?.id}/replay`)
        expect(answer.status).to.equal(409)
        const again = await aConversation(world)
        expect(await leftOf(world, again.customer.local), 'the same body may be parked again').to.have.length(4)
      }))

    it('deletes the rest after its own time', () =>
      inWorld({ storage }, async (world) => {
        await aConversation(world)
        await clearIn(world, 31)
        await clearIn(world, 396)
        for (const [table, count] of Object.entries(await rowsIn(world))) expect(count, table).to.equal(0)
        const young = await aConversation(world)
        await clearIn(world, 1)
        expect(await leftOf(world, young.customer.local)).to.have.length(4)
      }))

    it('waits for what is still open, however old it is, and passes it by', () =>
      inWorld({ storage }, async (world) => {
        const open = await aFirstMessage(world, personal)
        const put = (state: string, due: string | null) =>
          world.database.write('UPDATE wa_outgoing_messages SET state = $2, due_at = $3 WHERE id = $1', [
            open.id,
            state,
            due,
          ])
        await put('waiting', '2099-01-01 00:00:00.000')
        const { customer } = await aConversation(world)
        await clearIn(world, 31)
        expect(await leftOf(world, customer.local), 'behind it').to.not.include(customer.local)
        expect(await leftOf(world, open.customer.local)).to.include(open.customer.local)
        await put('accepted', null)
        await clearIn(world, 31)
        expect(await leftOf(world, open.customer.local)).to.deep.equal([])
      }))

    it('clears what cannot be read, which stops nothing', () =>
      inWorld({ storage }, async (world) => {
        const bad = await aFirstMessage(world, personal)
        const { customer } = await aConversation(world)
        for (const [text, table] of [
          [`{"text":"${words}`, 'wa_outgoing_messages SET payload'],
          ['null', 'wa_outgoing_messages SET context'],
          [`"${words}`, 'activity_events SET payload'],
        ])
          await world.database.write(
            `UPDATE ${table} = $1 WHERE ${table?.startsWith('act') ? 'root_outgoing_message_id' : 'id'} = $2`,
            [text ?? '', bad.id],
          )
        expect(await clearIn(world, 31)).to.deep.equal([])
        expect(await leftOf(world, customer.local)).to.deep.equal([])
        expect(await leftOf(world, bad.customer.local)).to.deep.equal([])
        // Read by the test world when it ends.
        await world.database.write("DELETE FROM activity_events WHERE payload = '{}'")
      }))

    it('holds over one row that cannot be cleared, tells of it once a day, and goes on with the others', () =>
      inWorld({ storage }, async (world) => {
        const bad = await aFirstMessage(world, personal)
        const { customer } = await aConversation(world)
        const badId = Number(bad.id)
        const isBad = (sql: string, bind: readonly SqlValue[]) =>
          sql.startsWith('UPDATE wa_outgoing_messages') && bind.some((value) => Number(value) === badId)
        const database = failingWhere(world.database, isBad)
        const told = [['wa_outgoing_messages', badId]]
        expect(await clearIn(world, 31, { database })).to.deep.equal(told)
        expect(await leftOf(world, customer.local), 'behind it').to.not.include(customer.local)
        expect(await leftOf(world, bad.customer.local)).to.include(bad.customer.local)
        expect(await clearIn(world, 31, { database }), 'on the same day').to.deep.equal([])
        expect(await clearIn(world, 33, { database }), 'later').to.deep.equal(told)
        expect(await clearIn(world, 35)).to.deep.equal([])
        expect(await leftOf(world, bad.customer.local)).to.deep.equal([])
      }))

    it('goes on with other tables while one fails as a whole', () =>
      inWorld({ storage }, async (world) => {
        const { customer } = await aConversation(world)
        const database = failingWhere(world.database, (sql) => /FROM wa_send_attempts\b/.test(sql))
        await clearIn(world, 31, { database })
        expect(await leftOf(world, customer.local)).to.deep.equal([])
      }))

    it('goes through many rows in groups, once', () =>
      inWorld({ storage }, async (world) => {
        const values = Array.from(
          { length: 300 },
          (_, n) => `(1, 'wamid.${n}', 'read', '{"x":"${words}"}', 'k${n}', 1,
          '2026-01-01 00:00:00.000', '2026-01-01 00:00:00.000')`,
        )
        await world.database.write(
          `INSERT INTO wa_dlr_messages (connection_id, message_id, status, payload, dedupe_key, tries, created_at, updated_at)
           VALUES ${values.join(', ')}`,
        )
        await clearIn(world, 0)
        expect(await dumpOf(world)).to.not.include(words)
        const [mark] = await world.rows<{ position: number }>(
          "SELECT position FROM retention_marks WHERE name = 'clear wa_dlr_messages'",
        )
        expect(Number(mark?.position)).to.be.at.least(300)
      }))
  })
}
