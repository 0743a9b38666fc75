import { expect } from 'chai'
import { bearer } from '../support/clients.ts'
import { patienceMs, scaled } from '../support/scale.ts'
import {
  aCustomer,
  anOwnConnection,
  deliver,
  eventFor,
  http,
  messagesTo,
  type OwnConnection,
  sharedWorld,
  storages,
} from '../support/stories.ts'
import { adminKey, until, type World } from '../support/world.ts'

interface BulkItem {
  readonly line: number
  readonly messageId?: string
  readonly reason?: string
  readonly error?: { readonly reason: string; readonly detail: string; readonly errors?: { readonly path: string }[] }
}
interface Bulk {
  readonly id: string
  readonly total: number
  readonly accepted: number
  readonly skipped: number
  readonly failed: number
  readonly items: readonly BulkItem[]
}
interface Progress {
  readonly state: string
  readonly total: number
  readonly failed: number
  readonly statuses: Readonly<Record<string, number>>
}

let nextPhone = 9_820_000_000
const values = { supplier: 'Huerta Sol', po_number: 'PO-001', total_amount: '€100.00' }
const aLine = (fields: object = {}) => ({
  to: `+91${nextPhone++}`,
  type: 'template',
  template: { name: 'po_notification', language: 'en', values },
  createdBy: 'agent-7',
  ...fields,
})
const lines = (count: number, fields: object = {}) => Array.from({ length: count }, () => aLine(fields))
const asText = (all: readonly object[]) => all.map((line) => JSON.stringify(line)).join('\n')

let nextKey = 1
async function send(world: World, accountId: number, body: string, headers: Record<string, string> = {}) {
  const usual = { 'content-type': 'application/x-ndjson', 'idempotency-key': `bulk-${nextKey++}` }
  return http(world, 'POST', `/v1/messages/bulk?accountId=${accountId}`, {
    headers: { ...bearer(adminKey), ...usual, ...headers },
    body,
  })
}
async function sent(world: World, accountId: number, body: string, headers: Record<string, string> = {}) {
  const { status, text } = await send(world, accountId, body, headers)
  expect(status, text).to.equal(202)
  return JSON.parse(text) as Bulk
}
const progress = async (world: World, { id }: { readonly id: string }) =>
  (await world.call<Progress>('GET', `/v1/bulks/${id}`)).body
const takenBy = (world: World, { phoneNumberId }: OwnConnection) =>
  world.provider.requests().filter(({ path }) => path.endsWith(`${phoneNumberId}/messages`))
const ended = (world: World, bulk: Bulk, ms?: number) =>
  until(
    'all of the bulk was sent',
    async () => {
      const now = await progress(world, bulk)
      const { queued = 0, accepted = 0, sent: underWay = 0 } = now.statuses
      return queued + accepted + underWay === 0 ? now : undefined
    },
    ms,
  )

for (const storage of storages) {
  describe(`bulks on ${storage}`, function () {
    this.timeout(2 * patienceMs)
    const world = sharedWorld({ storage })

    const size = scaled(500, 10_000)
    const bad = size / 50
    it(`of ${size} with ${bad} bad lines: ${size - bad} go out at the pace of the connection, ${bad} errors by line`, async () => {
      const messagesPerSecond = scaled(100, 80)
      const own = await anOwnConnection(world(), { limits: { messagesPerSecond }, messagesPerSecond })
      const isBad = (index: number) => index % 50 === 49
      const body = Array.from({ length: size }, (_, index) => aLine(isBad(index) ? { to: 'nobody' } : {}))
      const bulk = await sent(world(), own.accountId, asText(body))
      const beganAt = Date.now()
      expect(bulk).to.include({ total: size, accepted: size - bad, skipped: 0, failed: bad })
      const wrong = bulk.items.filter(({ error }) => error).map(({ line }) => line)
      expect(wrong).to.deep.equal(Array.from({ length: bad }, (_, index) => index * 50 + 50))
      const done = await ended(world(), bulk, patienceMs)
      const seconds = (Date.now() - beganAt) / 1000
      expect(done).to.deep.include({ state: 'sent', total: size, failed: bad, statuses: { read: size - bad } })
      const verdicts = takenBy(world(), own).map(({ verdict }) => verdict)
      expect(verdicts, 'never faster than the provider takes them').to.deep.equal(Array(size - bad).fill('accepted'))
      expect(seconds, 'not all at once').to.be.greaterThan((size - bad) / messagesPerSecond / 3)
    })

    it('tell every line for itself, and keep the errors', async () => {
      const { accountId } = await anOwnConnection(world())
      const { accountId: other } = await anOwnConnection(world())
      const text = [
        JSON.stringify(aLine()),
        '',
        '{"to":',
        JSON.stringify(aLine({ accountId: other })),
        JSON.stringify(aLine({ createdBy: 'x'.repeat(65) })),
        JSON.stringify(aLine({ source: 'customer' })),
        JSON.stringify({ to: aCustomer().phone, text: 'Hello' }),
        '[]',
      ].join('\n')
      const bulk = await sent(world(), accountId, text)
      expect(bulk).to.include({ total: 7, accepted: 1, skipped: 1, failed: 5 })
      expect(bulk.items.map(({ line, reason, error }) => [line, reason ?? error?.reason])).to.deep.equal([
        [1, undefined],
        [3, 'not_json'],
        [4, 'unknown_account'],
        [5, 'invalid'],
        [6, 'from_customer_side'],
        [7, 'window_closed'],
        [8, 'invalid'],
      ])
      expect(bulk.items[3]?.error?.errors?.[0]?.path).to.equal('createdBy')
      const first = await world().call<{ items: BulkItem[]; next: string }>(
        'GET',
        `/v1/bulks/${bulk.id}/errors?limit=2`,
      )
      expect(first.body.items.map(({ line }) => line)).to.deep.equal([3, 4])
      const rest = await world().call<{ items: BulkItem[] }>(
        'GET',
        `/v1/bulks/${bulk.id}/errors?cursor=${first.body.next}`,
      )
      expect(rest.body.items.map(({ line }) => line)).to.deep.equal([5, 7, 8])
    })

    it('have errors that are kept, however much is wrong with a line', async () => {
      const { accountId } = await anOwnConnection(world())
      const manyWrong = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`${n}-${'k'.repeat(70)}`, 'v']))
      const bad = [
        { references: manyWrong },
        { ['x'.repeat(80_000)]: 1 },
        { references: { ['\u0001'.repeat(900)]: 1 } },
      ].map(aLine)
      const bulk = await sent(world(), accountId, asText([...bad, aLine()]))
      expect(bulk).to.include({ accepted: 1, failed: 3 })
      for (const { error } of bulk.items.slice(0, 3)) {
        expect(error?.reason).to.equal('invalid')
        expect(error?.errors?.length).to.be.within(1, 20)
        expect(JSON.stringify(error).length).to.be.lessThan(10_000)
      }
      const kept = await world().call<{ items: BulkItem[] }>('GET', `/v1/bulks/${bulk.id}/errors`)
      expect(kept.body.items).to.have.length(3)
    })

    it('are taken as a JSON array, and answered in lines where that is asked for', async () => {
      const { accountId } = await anOwnConnection(world())
      const headers = { 'content-type': 'application/json', accept: 'application/x-ndjson' }
      const { status, text, headers: answered } = await send(world(), accountId, JSON.stringify(lines(3)), headers)
      expect(status).to.equal(202)
      expect(answered['content-type']).to.equal('application/x-ndjson')
      const [sums, ...items] = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Bulk & BulkItem)
      expect(sums).to.include({ total: 3, accepted: 3 })
      expect(items.map(({ line, messageId }) => [line, typeof messageId])).to.deep.equal([
        [1, 'string'],
        [2, 'string'],
        [3, 'string'],
      ])
    })

    it('are refused as a whole where they are no bulk', async () => {
      const cases: [string, string, number][] = [
        ['', 'no lines', 400],
        ['[1', 'neither', 400],
        [`[${'1,'.repeat(10_000)}1]`, 'at most 10000 lines', 413],
        [`${'{}\n'.repeat(10_001)}`, 'at most 10000 lines', 413],
        [' '.repeat(8 * 1024 * 1024 + 1), 'longer than', 413],
      ]
      for (const [body, words, expected] of cases) {
        const { status, text } = await send(world(), 379, body, { 'content-type': 'application/json' })
        expect(status, words).to.equal(expected)
        expect(text).to.include(words)
      }
      const keyless = await http(world(), 'POST', '/v1/messages/bulk?accountId=379', {
        headers: bearer(adminKey),
        body: JSON.stringify(aLine()),
      })
      expect(keyless.status).to.equal(400)
      expect(keyless.text).to.include('needs an Idempotency-Key')
      const unnamed = await http(world(), 'POST', '/v1/messages/bulk', { headers: bearer(adminKey), body: '{}' })
      expect(unnamed.status).to.equal(400)
    })

    it('let a failed delivery go first, on the same connection and to the same customer', async () => {
      const own = await anOwnConnection(world(), { limits: { messagesPerSecond: 10, concurrency: 2 } })
      const customer = aCustomer()
      const bulk = await sent(world(), own.accountId, asText([...lines(80), aLine({ to: customer.phone })]))
      await deliver(world(), eventFor(customer, { account_id: own.accountId, reason: 'otp_cancellation' }))
      await until('the customer was told', () => messagesTo(world(), customer).length > 0)
      expect(messagesTo(world(), customer)[0]?.template).to.equal('fdr_otp_cancellation')
      expect((await progress(world(), bulk)).statuses.queued ?? 0, 'the bulk is far from its end').to.be.greaterThan(20)
      await world().call('POST', `/v1/bulks/${bulk.id}/cancel`)
    })

    it('are cancelled: what waits is not sent, what was sent stays', async () => {
      const own = await anOwnConnection(world(), { limits: { messagesPerSecond: 10, concurrency: 2 } })
      const bulk = await sent(world(), own.accountId, asText(lines(100)))
      await until('it has begun', async () => ((await progress(world(), bulk)).statuses.read ?? 0) > 0)
      const { status, body } = await world().call<Progress>('POST', `/v1/bulks/${bulk.id}/cancel`)
      expect([status, body.state]).to.deep.equal([200, 'cancelled'])
      expect(body.statuses.cancelled).to.be.greaterThan(50)
      const done = await ended(world(), bulk)
      expect(done.statuses).to.deep.equal({
        cancelled: body.statuses.cancelled,
        read: 100 - (done.statuses.cancelled ?? 0),
      })
      expect(takenBy(world(), own)).to.have.length(done.statuses.read ?? 0)
      const again = await world().call<Progress>('POST', `/v1/bulks/${bulk.id}/cancel`)
      expect(again.body.statuses).to.deep.equal(done.statuses)
      const one = bulk.items.at(-1)?.messageId
      const { body: message } = await world().call<{ failure: { code: string } }>('GET', `/v1/messages/${one}`)
      expect(message.failure.code).to.equal('cancelled')
    })

    it('are cancelled: what was being sent and is refused for the moment is not tried again', async () => {
      const own = await anOwnConnection(world())
      const customer = aCustomer()
      world().provider.addRule({ phone: customer.phone, next: 1, delayMs: 1_500, error: { code: 130429 } })
      const bulk = await sent(world(), own.accountId, asText([aLine({ to: customer.phone })]))
      const stateOf = async () => {
        const sql = `SELECT state FROM wa_outgoing_messages WHERE id = ${bulk.items[0]?.messageId}`
        return (await world().rows<{ state: string }>(sql))[0]?.state
      }
      await until('it is being sent', async () => (await stateOf()) === 'sending')
      await world().call('POST', `/v1/bulks/${bulk.id}/cancel`)
      await until('it came to its end', async () => (await stateOf()) !== 'sending')
      expect(await stateOf()).to.equal('expired')
      expect((await progress(world(), bulk)).statuses).to.deep.equal({ expired: 1 })
    })

    /** As if its process had vanished before it answered, and before it came to the lines from this one on. */
    const vanished = async (bulk: Bulk, from: number) => {
      const ids = bulk.items.flatMap(({ line, messageId }) => (line >= from && messageId ? [Number(messageId)] : []))
      await world().database.write(`DELETE FROM wa_outgoing_messages WHERE id IN (${ids.join(', ')})`)
      await world().database.write(
        'UPDATE idempotent_requests SET status = NULL, answer = NULL, held_until = created_at',
      )
    }

    it('that were cancelled take in nothing more, and are not opened again by another one', async () => {
      const own = await anOwnConnection(world())
      const body = asText(lines(4))
      const headers = { 'idempotency-key': `cancelled-${storage}` }
      const begun = await sent(world(), own.accountId, body, headers)
      await ended(world(), begun)
      const before = takenBy(world(), own).length
      await world().call('POST', `/v1/bulks/${begun.id}/cancel`)
      await vanished(begun, 3)
      const bulk = await sent(world(), own.accountId, body, headers)
      expect(bulk.id).to.equal(begun.id)
      expect(bulk.items.slice(2).map(({ reason }) => reason)).to.deep.equal(['cancelled', 'cancelled'])
      expect(takenBy(world(), own)).to.have.length(before)
      await world().database.write('DELETE FROM idempotent_requests')
      const other = await sent(world(), own.accountId, asText(lines(2)), headers)
      expect(other.id).not.to.equal(begun.id)
      expect(other.accepted).to.equal(2)
    })

    it('go on where they were broken off, under the same key, and double nothing', async () => {
      const own = await anOwnConnection(world(), { limits: { messagesPerSecond: 10, concurrency: 2 } })
      const body = asText([...lines(30), aLine({ source: 'customer' }), aLine({ to: 'nobody' })])
      const headers = { 'idempotency-key': `broken-off-${storage}` }
      const begun = await sent(world(), own.accountId, body, headers)
      await ended(world(), begun)
      await vanished(begun, 25)
      const other = await send(world(), own.accountId, asText(lines(1)), headers)
      expect(other.status, 'it may have been done in part').to.equal(422)
      const bulk = await sent(world(), own.accountId, body, headers)
      expect(bulk).to.include({ id: begun.id, accepted: 30, skipped: 1, failed: 1 })
      expect(bulk.items.slice(0, 24)).to.deep.equal(begun.items.slice(0, 24))
      await ended(world(), bulk)
      expect(takenBy(world(), own), 'lines 25 to 30 were forgotten').to.have.length(36)
      const again = await send(world(), own.accountId, body, headers)
      expect(JSON.parse(again.text)).to.deep.equal(bulk)
      expect(takenBy(world(), own)).to.have.length(36)
    })
  })
}
