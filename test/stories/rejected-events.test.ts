import { expect } from 'chai'
import { createRejectedEvents } from '../../src/core/notifications/rejected-events.ts'
import type { Database, SqlValue } from '../../src/core/storage/database.ts'
import {
  aCustomer,
  anAccount,
  asAdmin,
  deliver,
  eventFor,
  messagesTo,
  requestsFor,
  settle,
  sharedWorld,
  storages,
} from '../support/stories.ts'
import type { World } from '../support/world.ts'

interface Problem {
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly rejectedEventId?: string
}

interface Rejected {
  readonly id: string
  readonly reason: string
  readonly state: string
  readonly body: string
  readonly size: number
}

interface BadEvent {
  readonly label: string
  readonly body: () => string | Buffer
  readonly reason: string
}

const real = (changes: Record<string, unknown> = {}): string => JSON.stringify(eventFor(aCustomer(), changes))
const withoutReason = { remarks: 'hm', track_payload: {} }

const badEvents: BadEvent[] = [
  { label: 'nothing', body: () => '', reason: 'empty_body' },
  { label: 'half of an event', body: () => real().slice(0, -40), reason: 'not_json' },
  { label: 'a list', body: () => `[${real()}]`, reason: 'unknown_kind' },
  { label: 'null', body: () => 'null', reason: 'unknown_kind' },
  {
    label: 'an event of another kind',
    body: () => '{"resource":"invoice"}',
    reason: 'unknown_kind',
  },
  {
    label: 'a shipment that is a text',
    body: () => '{"resource":"shipment","eventSubType":"failed_delivery","response_data":"no"}',
    reason: 'missing_response_data',
  },
  { label: 'an id that is an object', body: () => real({ status_log_id: { a: 1 } }), reason: 'invalid_id' },
  { label: 'an id of words', body: () => real({ id: 'DROP TABLE' }), reason: 'invalid_id' },
  { label: 'no status log', body: () => real({ status_log_id: null }), reason: 'missing_status_log_id' },
  { label: 'no phone', body: () => real({ customerContactNumber: '', shippingAddress: [] }), reason: 'missing_phone' },
  {
    label: 'a phone that cannot be one',
    body: () => real({ customerContactNumber: '12345' }),
    reason: 'invalid_phone',
  },
  { label: 'two phones in one', body: () => real({ customerContactNumber: '9810012345/46' }), reason: 'invalid_phone' },
  { label: 'a reason that nobody knows', body: () => real(withoutReason), reason: 'unknown_reason' },
  { label: '1 MB of junk', body: () => 'x'.repeat(1024 * 1024), reason: 'not_json' },
  { label: 'more than 1 MB', body: () => JSON.stringify('x'.repeat(1024 * 1024 - 1)), reason: 'too_large' },
  {
    label: 'a key that reaches into prototypes',
    body: () => '{"__proto__":{"polluted":true}}',
    reason: 'forbidden_key',
  },
  {
    label: 'such a key deep inside',
    body: () => real({ custom: [{ a: { constructor: { prototype: {} } } }] }),
    reason: 'forbidden_key',
  },
  { label: 'deep nesting', body: () => '['.repeat(100_000) + ']'.repeat(100_000), reason: 'too_complex' },
  { label: 'very many values', body: () => `[${'{},'.repeat(200_000)}1]`, reason: 'too_complex' },
  {
    label: 'bytes that are not UTF-8',
    body: () => Buffer.from(real({ customerName: 'J\u00fcrgen' }), 'latin1'),
    reason: 'not_json',
  },
]

async function post(world: World, body: string | Buffer) {
  const { status, text } = await asAdmin(world, 'POST', '/v1/events', body)
  return { status, problem: JSON.parse(text) as Problem }
}

const listed = async (world: World, id: string | undefined): Promise<Rejected | undefined> =>
  (await world.call<{ items: Rejected[] }>('GET', '/v1/rejected-events?limit=200')).body.items.find(
    (event) => event.id === id,
  )

const replay = (world: World, id: string | undefined) =>
  world.call<{ outcome?: string; rejectedEventId?: string }>('POST', `/v1/rejected-events/${id}/replay`)

/** A number as it is written in the Netherlands, for an address that names no country. */
const dutch = { customerContactNumber: '06 1234 5678', shippingAddress: { city: 'Utrecht' } }

for (const storage of storages) {
  describe(`events that cannot be used, on ${storage}`, () => {
    const world = sharedWorld({ storage })

    for (const { label, body, reason } of badEvents) {
      it(`keeps ${label} as ${reason}`, async () => {
        const sent = body()
        const { status, problem } = await post(world(), sent)
        expect(status).to.equal(422)
        expect(problem).to.include({ status: 422, title: 'Unprocessable Content' })
        expect(problem.detail).to.match(new RegExp(`^${reason}: .`))
        const kept = await listed(world(), problem.rejectedEventId)
        expect(kept).to.include({ reason, state: 'parked', size: Math.min(Buffer.byteLength(sent), 1024 * 1024) })
      })
    }

    it('does not let any of them change how objects behave', () => {
      expect({}).not.to.have.property('polluted')
    })

    it('does not even read what is far too large', async () => {
      const { status } = await post(world(), 'x'.repeat(3 * 1024 * 1024))
      expect(status).to.equal(413)
    })

    it('keeps the same bytes once, however often they come', async () => {
      const body = real(withoutReason)
      const ids = [await post(world(), body), await post(world(), body)].map(({ problem }) => problem.rejectedEventId)
      expect(ids[0]).to.equal(ids[1])
    })

    it('takes the good events that come together with bad ones', async () => {
      const customers = Array.from({ length: 20 }, aCustomer)
      const good = customers.map((customer) => deliver(world(), eventFor(customer)))
      const bad = badEvents.slice(0, 13).map(({ body }) => post(world(), body()))
      const [outcomes, refusals] = await Promise.all([Promise.all(good), Promise.all(bad)])
      await settle(world())
      expect(new Set(outcomes.map(({ outcome }) => outcome))).to.deep.equal(new Set(['queued']))
      expect(new Set(refusals.map(({ status }) => status))).to.deep.equal(new Set([422]))
      for (const customer of customers) expect(messagesTo(world(), customer)).to.have.length(1)
    })

    it('takes no notice of what happens to parcels otherwise', async () => {
      const delivered = { ...eventFor(aCustomer()), eventSubType: 'delivered' }
      const before = await world().rows('SELECT id FROM rejected_events')
      expect((await deliver(world(), delivered)).outcome).to.equal('skipped')
      expect(await world().rows('SELECT id FROM rejected_events')).to.deep.equal(before)
    })

    it('gives pages, newest first', async () => {
      const first = await post(world(), real(withoutReason))
      const second = await post(world(), real(withoutReason))
      const { body } = await world().call<{ items: Rejected[]; next: string }>('GET', '/v1/rejected-events?limit=1')
      expect(body.items.map(({ id }) => id)).to.deep.equal([second.problem.rejectedEventId])
      const older = await world().call<{ items: Rejected[] }>('GET', `/v1/rejected-events?limit=1&cursor=${body.next}`)
      expect(older.body.items.map(({ id }) => id)).to.deep.equal([first.problem.rejectedEventId])
    })

    it('are listed without reading more of them than is shown', async () => {
      const body = 'y'.repeat(1024 * 1024)
      const { problem } = await post(world(), body)
      let bytes = 0
      const select: Database['select'] = async <T>(sql: string, bind?: readonly SqlValue[]) => {
        const rows = await world().database.select<T>(sql, bind)
        for (const value of rows.flatMap((row) => Object.values(row as object)))
          bytes += Buffer.isBuffer(value) ? value.length : String(value).length
        return rows
      }
      const [found] = await createRejectedEvents({ ...world().database, select }).list({ limit: 1 })
      expect(bytes).to.be.within(4_096, 6_000)
      expect(found).to.include({ id: Number(problem.rejectedEventId), size: body.length })
      expect((await listed(world(), problem.rejectedEventId))?.body).to.equal('y'.repeat(4_096))
    })

    it('leads to the message when it is replayed after its cause is gone', async () => {
      const account_id = await anAccount(world())
      const customer = { local: '', phone: '+31612345678', waId: '31612345678' }
      const before = messagesTo(world(), customer).length
      const { problem } = await post(world(), JSON.stringify(eventFor(customer, { ...dutch, account_id })))
      expect(problem.detail).to.match(/^invalid_phone/)
      const settings = { isWhatsappEnabled: true, defaultCountry: 'NL' }
      await world().call('PUT', `/v1/accounts/${account_id}/settings`, settings)
      const { status, body } = await replay(world(), problem.rejectedEventId)
      await settle(world())
      expect({ status, outcome: body.outcome }).to.deep.equal({ status: 202, outcome: 'queued' })
      expect(messagesTo(world(), customer)).to.have.length(before + 1)
      expect(await listed(world(), problem.rejectedEventId)).to.include({ state: 'replayed' })
    })

    it('sends once, however often it is replayed', async () => {
      const account_id = await anAccount(world())
      const customer = { local: '', phone: '+31687654321', waId: '31687654321' }
      const changes = { ...dutch, customerContactNumber: '0687654321', account_id }
      const { problem } = await post(world(), JSON.stringify(eventFor(customer, changes)))
      await world().call('PUT', `/v1/accounts/${account_id}/settings`, {
        isWhatsappEnabled: true,
        defaultCountry: 'NL',
      })
      const replays = await Promise.all(Array.from({ length: 5 }, () => replay(world(), problem.rejectedEventId)))
      await settle(world())
      expect(replays.map(({ body }) => body.outcome).sort()).to.deep.equal([
        ...Array.from({ length: 4 }, () => 'duplicate'),
        'queued',
      ])
      expect(requestsFor(world(), customer)).to.have.length(1)
    })

    it('stays where it is when it is replayed while the cause is still there', async () => {
      const { problem } = await post(world(), real(withoutReason))
      const { status, body } = await replay(world(), problem.rejectedEventId)
      expect(status).to.equal(422)
      expect(body.rejectedEventId).to.equal(problem.rejectedEventId)
      expect(await listed(world(), problem.rejectedEventId)).to.include({ state: 'parked' })
    })

    it('cannot be replayed when there is no such event', async () => {
      for (const id of ['0', '999999', 'abc', '1%20OR%201=1', '-1', '1e1', 'NaN']) {
        expect((await replay(world(), id)).status, id).to.equal(404)
      }
    })
  })
}
