import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { openDatabase } from '../../src/core/storage/database.ts'
import { startProxy, type TestProxy, throughProxy } from '../support/proxy.ts'
import {
  activityOf,
  anAccount,
  aSilentMessage,
  inWorld,
  settle,
  storages,
  tap,
  timelineOf,
} from '../support/stories.ts'
import { createStorage, until, type World } from '../support/world.ts'

/** What a failed-delivery event needs at least; the order is not in it. */
const bare = {
  order_id: null,
  vendorOrderNumber: null,
  customerOrderNumber: '',
  externalShipmentID: '',
  trackingID: '',
  channel_id: null,
  externalChannelID: null,
  channelLabel: null,
  customerName: '',
  email: '',
  shippingAddress: [],
}

const orderOf = (accountId: number) => 50_000_000 + accountId
const channelOf = (accountId: number) => 1_000_000 + accountId

const detailsOf = (accountId: number) => ({
  vendorOrderNumber: '#4711',
  order_id: orderOf(accountId),
  customerName: 'Ravi Menon',
  email: 'ravi.menon@example.com',
  forwardTrackingID: '1704612609999',
  externalShipmentID: '4980116095129-1',
  customerOrderNumber: '4980116095129',
  channelId: String(channelOf(accountId)),
})

interface Wms {
  readonly url: string
  /** A status log, and an order of the account. */
  add(statusLogId: number, accountId: number): Promise<void>
  write(sql: string): Promise<unknown>
  drop(): Promise<void>
}

/** The warehouse system's database, as docs/wms-schema.sql has it. */
async function openWms(): Promise<Wms> {
  const storage = await createStorage('mysql')
  const database = openDatabase({ url: storage.url })
  const schema = readFileSync('docs/wms-schema.sql', 'utf8').replace(/^--.*$/gm, '')
  for (const statement of schema.split(';').filter((part) => part.trim() !== '')) await database.write(statement)
  return {
    url: storage.url,
    write: (sql) => database.write(sql),
    async add(log, accountId) {
      const [channel, order] = [channelOf(accountId), orderOf(accountId)]
      const rows: Record<string, string> = {
        channels: `(${channel}, ${accountId}, 'North Shop', 'north-shop')`,
        orders: `(${order}, ${channel}, '#4711', '4980116095129', 'Ravi Menon', '9810055555', 'ravi.menon@example.com')`,
        shipments: `(${log}, '1704612609999', '4980116095129-1')`,
        // Two items of one order: still one answer.
        order_items: `(${log * 2}, ${order}, ${log}), (${log * 2 + 1}, ${order}, ${log})`,
        shipment_status_logs: `(${log}, ${log}, 'failed_delivery')`,
      }
      for (const [table, values] of Object.entries(rows))
        await database.write(`INSERT IGNORE INTO ${table} VALUES ${values}`)
    },
    async drop() {
      await database.close()
      await storage.drop()
    },
  }
}

let nextLog = 700_000_001

for (const storage of storages) {
  describe(`order details from the warehouse system on ${storage}`, function () {
    this.timeout(60_000)
    let wms: Wms
    let proxy: TestProxy

    before(async () => {
      wms = await openWms()
      proxy = await startProxy(wms.url)
    })
    after(async () => {
      await proxy?.close()
      await wms?.drop()
    })
    afterEach(() => proxy.heal())

    const story = (act: (world: World) => Promise<void>) =>
      inWorld({ storage, env: { WMS_DATABASE_URL: throughProxy(wms.url, proxy) } }, act)
    /** @param owner whose order the warehouse system has under the status log; null = it has none */
    const tell = async (world: World, changes: object = {}, owner?: number | null) => {
      const log = nextLog++
      const accountId = await anAccount(world)
      if (owner !== null) await wms.add(log, owner ?? accountId)
      const fields = { ...bare, account_id: accountId, status_log_id: log, ...changes }
      return { ...(await aSilentMessage(world, fields)), accountId, log }
    }
    const eventsOf = async (world: World, id: string, count: number) => {
      await until(`${count} activity events`, async () => (await activityOf(world, id)).length >= count)
      return (await timelineOf(world, id)).activity.map(({ event }) => event.response_data)
    }

    it('fill the events of a message that has none, and stay with it', () =>
      story(async (world) => {
        const { id, sent, accountId } = await tell(world)
        const details = detailsOf(accountId)
        const [inqueue] = await eventsOf(world, id, 1)
        expect(inqueue).to.include({ ...details, sequence: 1, customerContactNumber: inqueue?.customerContactNumber })
        expect((await world.rows(`SELECT order_number FROM wa_outgoing_messages WHERE id = ${id}`))[0]).to.deep.equal({
          order_number: '#4711',
        })
        await wms.write('DELETE FROM shipment_status_logs')
        await tap(world, sent, 'Reattempt')
        const [, choice] = await eventsOf(world, id, 2)
        expect(choice).to.include({ ...details, action_taken: 'Reattempt', sequence: 2 })
      }))

    it('are not asked for where the event brought them', () =>
      story(async (world) => {
        const { id } = await tell(world, { vendorOrderNumber: '#1', order_id: 1 })
        const [inqueue] = await eventsOf(world, id, 1)
        expect(inqueue).to.include({ vendorOrderNumber: '#1', customerName: '' })
        expect(await world.rows('SELECT id FROM activity_waiting')).to.be.empty
      }))

    it('that do not exist hold up nothing', () =>
      story(async (world) => {
        const { id } = await tell(world, {}, null)
        const [inqueue] = await eventsOf(world, id, 1)
        expect(inqueue).to.include({ vendorOrderNumber: '', order_id: null, sequence: 1 })
      }))

    it("are not taken from another account's order", () =>
      story(async (world) => {
        const other = await anAccount(world)
        const { id } = await tell(world, {}, other)
        const [inqueue] = await eventsOf(world, id, 1)
        expect(inqueue).to.include({ vendorOrderNumber: '', order_id: null, customerName: '', email: '', sequence: 1 })
        const kept = await world.rows<{ context: string }>(`SELECT context FROM wa_outgoing_messages WHERE id = ${id}`)
        expect(kept[0]?.context).not.to.include('Ravi')
        const metrics = await world.call('GET', '/metrics')
        expect(String(metrics.body)).to.match(/wms_look_ups_total\{result="foreign"\} [1-9]/)
      }))

    it('cannot be had: sending goes on, and the events go out as they are, in order', () =>
      story(async (world) => {
        proxy.blackhole()
        const { id, sent } = await tell(world)
        expect((await timelineOf(world, id)).status).to.equal('accepted')
        const answers = await tap(world, sent, 'Reattempt')
        expect(answers).to.have.length(1)
        expect(await activityOf(world, id)).to.be.empty
        const events = await eventsOf(world, id, 2)
        expect(events.map(({ sequence, vendorOrderNumber }) => ({ sequence, vendorOrderNumber }))).to.deep.equal([
          { sequence: 1, vendorOrderNumber: '' },
          { sequence: 2, vendorOrderNumber: '' },
        ])
      }))

    it('come late: what waited is filled when the database answers in time', () =>
      story(async (world) => {
        proxy.cut()
        const { id } = await tell(world)
        await settle(world)
        expect(await activityOf(world, id)).to.be.empty
        proxy.heal()
        expect((await eventsOf(world, id, 1))[0]).to.include({ vendorOrderNumber: '#4711' })
      }))

    it('are only read: the gateway cannot write there', async () => {
      const readOnly = openDatabase({ url: wms.url, isReadOnly: true })
      const written = await readOnly.write('DELETE FROM orders').catch((error: Error) => error.message)
      await readOnly.close()
      expect(written).to.match(/READ ONLY/i)
    })
  })
}
