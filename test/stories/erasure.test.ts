import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { openBroker, type TestBroker } from '../support/broker.ts'
import { aKey, bearer, withKey } from '../support/clients.ts'
import {
  aChange,
  aClock,
  anOwnConnection,
  aStatus,
  aWebhook,
  type Customer,
  deliver,
  dumpOf,
  eventFor,
  http,
  inWorld,
  messagesTo,
  type NotifiedReason,
  requestsFor,
  say,
  settle,
  sharedWorld,
  storages,
  tap,
  tell,
  timelineOf,
} from '../support/stories.ts'
import { adminKey, startWorld, until, type World } from '../support/world.ts'

interface Erased {
  readonly state: 'working' | 'watching' | 'done'
  readonly counts: Readonly<Record<string, number>>
  readonly watchedUntil: string
}

const erase = async (world: World, body: object): Promise<Erased> => {
  const answer = await world.call<Erased>('POST', '/v1/contacts/erase', body)
  expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
  return answer.body
}

/** A person whose every word is found again. */
interface Canary extends Customer {
  readonly name: string
  readonly email: string
  readonly street: string
  readonly words: string
}

const customerAt = (local: string): Customer => ({ local, phone: `+91${local}`, waId: `91${local}` })

let nextCanary = 1
function aCanary(): Canary {
  const mark = `quill${nextCanary++}${Math.random().toString(36).slice(2, 8)}`
  return {
    // Far from all others, so that no part of it is another's.
    ...customerAt(`98${String(randomInt(10_000_000, 99_999_999))}`),
    name: `Wren ${mark}`,
    email: `${mark}@example.org`,
    street: `17 ${mark} Lane`,
    words: `my gate code is ${mark} please`,
  }
}

const eventOf = (canary: Canary, changes: { reason?: NotifiedReason } & Record<string, unknown> = {}) =>
  eventFor(canary, {
    reason: 'customer_unavailable',
    ...fieldsOf(canary),
    ...changes,
  })

const fieldsOf = (canary: Canary) => ({
  customerName: canary.name,
  email: canary.email,
  shippingAddress: { customerName: canary.name, addressLine1: canary.street, countryCode: 'IN' },
})

/** As it stands in the ids of some providers. */
const hidden = (text: string): string => Buffer.from(text).toString('base64').replace(/=+$/, '').slice(0, -2)

/** Every form in which something of the person may stand. */
const tracesOf = ({ local, name, email, street, words }: Canary): string[] => {
  const spaced = `${local.slice(0, 5)} ${local.slice(5)}`
  return [local, spaced, name, email, street, words]
}

const tracesIn = (text: string, canary: Canary, isHiddenToo = false): string[] =>
  tracesOf(canary)
    .flatMap((plain) => (isHiddenToo ? [plain, hidden(plain)] : [plain]))
    .flatMap((trace) => {
      const at = text.indexOf(trace)
      return at < 0 ? [] : [`${trace}: ${text.slice(Math.max(0, at - 160), at + trace.length + 20)}`]
    })

/** Tables in which something of the person stands. */
async function tablesWith(world: World, canary: Canary): Promise<string[]> {
  const tables = JSON.parse(await dumpOf(world)) as [string, unknown][]
  return tables.filter(([, rows]) => tracesIn(JSON.stringify(rows), canary).length > 0).map(([table]) => table)
}

/** One of everything that may hold something of a person. */
async function liveThrough(world: World, broker: TestBroker, canary: Canary): Promise<{ readonly first: string }> {
  const event = eventOf(canary)
  const taken = await until('the first message is taken', async () => {
    // Queues of an earlier test were deleted just now: what is published while they are made anew may be lost.
    await broker.publish(event).catch(() => {})
    await sleep(1_000)
    return messagesTo(world, canary).at(-1)
  })
  await settle(world)
  const [dates] = await tap(world, taken, 'Select new delivery date')
  await say(world, canary, canary.words)
  await tap(world, dates, dates?.buttons[0]?.title ?? '')
  await deliver(world, eventOf(canary, { reason: 'address_issue' }))
  await settle(world)
  await tap(world, messagesTo(world, canary).at(-1), 'Update address')
  // A vendor that repeats what it was sent.
  world.provider.addRule({
    phone: canary.phone,
    next: 1,
    error: { http: 400, code: 131026, details: `${canary.waId} ${canary.name} cannot be reached` },
  })
  await deliver(world, eventOf(canary))
  await settle(world)
  // Parked, with the phone as people write it; and in a webhook about a number that is not ours.
  const phone = `+91-${canary.local.slice(0, 5)} ${canary.local.slice(5)}`
  const withoutReason = { remarks: canary.words, track_payload: {} }
  const parked = eventFor(canary, { ...fieldsOf(canary), customerContactNumber: phone, ...withoutReason })
  expect((await world.call('POST', '/v1/events', parked)).status).to.equal(422)
  await tell(world, aWebhook({ statuses: [aStatus({ wamid: 'wamid.NOBODYS', to: canary.waId }, 'read')] }, '899999'))
  // Of a message that we do not know; and news of what they wish.
  await tell(
    world,
    aWebhook({ statuses: [aStatus({ wamid: `wamid.${hidden(canary.local)}==`, to: canary.waId }, 'sent')] }),
  )
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const wish = { wa_id: canary.waId, category: 'marketing_messages', value: 'resume', timestamp }
  await tell(world, aChange('user_preferences', { user_preferences: [wish] }))
  const [row] = await world.rows<{ id: number }>(
    `SELECT MIN(id) AS id FROM wa_outgoing_messages WHERE customer_phone = '${canary.phone}'`,
  )
  return { first: String(row?.id) }
}

const queues = [names.eventQueue, names.parkedQueue, names.inboundQueue]

/** All that lies in the gateway's queues. */
const queuedIn = (broker: TestBroker): Promise<string> =>
  broker.use(async (channel) => {
    const found: string[] = []
    for (const queue of queues) {
      const { messageCount } = await channel.checkQueue(queue)
      for (let n = 0; n < messageCount; n++) {
        const message = await channel.get(queue, { noAck: true })
        if (message) found.push(message.content.toString('utf8'))
      }
    }
    return found.join('\n')
  })

const watchMinutes = 48 * 60

for (const storage of storages) {
  describe(`a person who is erased everywhere, on ${storage}`, function () {
    this.timeout(120_000)
    let world: World
    let broker: TestBroker
    const clock = aClock(new Date().toISOString())
    const canary = aCanary()
    const bystander = aCanary()
    let first: string
    let answer: Erased

    before(async () => {
      broker = await openBroker()
      world = await startWorld({ storage, env: { AMQP_URL: broker.url }, now: clock.now })
      ;({ first } = await liveThrough(world, broker, canary))
      await liveThrough(world, broker, bystander)
    })
    after(async () => {
      await world?.close()
      await broker?.close()
    })

    it('stood in every table that may hold something of a person', async () => {
      expect(await tablesWith(world, canary)).to.include.members([
        'activity_events',
        'ndr_actions',
        'rejected_events',
        'wa_contact_news',
        'wa_contacts',
        'wa_customer_reply_messages',
        'wa_dlr_messages',
        'wa_outgoing_messages',
        'wa_send_attempts',
      ])
    })

    it('is not written to any more: what waits is skipped, with the reason', async () => {
      world.provider.addRule({ phone: canary.phone, error: { http: 429, code: 130429 } })
      const { message } = await deliver(world, eventOf(canary))
      const waits = async () => (await timelineOf(world, message?.id)).state === 'waiting'
      await until('it waits for another attempt', waits)
      answer = await erase(world, { phone: canary.phone })
      const after = await timelineOf(world, message?.id)
      expect(after).to.include({ state: 'skipped', status: 'skipped' })
      expect(after.failure?.code).to.equal('erased')
      world.provider.clearRules()
      const asked = requestsFor(world, canary).length
      clock.advance(10)
      await settle(world)
      expect(requestsFor(world, canary)).to.have.length(asked)
    })

    it('is told how many rows were cleared, and that it is watched', () => {
      expect(answer.state).to.equal('watching')
      expect(answer.counts.ended).to.equal(1)
      for (const table of ['wa_outgoing_messages', 'wa_dlr_messages', 'rejected_events', 'wa_contacts'])
        expect(answer.counts[table], table).to.be.greaterThan(0)
    })

    it('is found nowhere in the database, at once', async () => {
      expect(tracesIn(await dumpOf(world), canary)).to.deep.equal([])
    })

    it('stays found nowhere after late reports, which close their message all the same', async () => {
      const failure = { errors: [{ code: 131026, title: `${canary.name} is away` }] }
      await tell(world, aWebhook({ statuses: [aStatus(lastTo(canary), 'failed', failure)] }))
      await tell(world, aWebhook({ statuses: [aStatus(lastTo(canary), 'read')] }))
      await say(world, canary, canary.words)
      await passing('what came late is cleared', async () => tracesIn(await dumpOf(world), canary).length === 0)
      const [row] = await world.rows<{ status_rank: number }>(
        `SELECT status_rank FROM wa_outgoing_messages WHERE message_id = '${lastTo(canary).wamid}'`,
      )
      expect(Number(row?.status_rank)).to.equal(7)
      expect((await timelineOf(world, first)).status).to.equal('read')
    })

    /** Waits while time passes. */
    const passing = (what: string, condition: () => Promise<boolean>) =>
      until(what, () => {
        clock.advance(1)
        return condition()
      })

    const lastTo = (customer: Customer) => {
      const message = messagesTo(world, customer).at(-1)
      if (!message) throw new Error('nothing was sent')
      return message
    }

    it('is done in the end, without the ids in which a phone can be read, and found in no queue', async () => {
      await broker.bindActivity()
      clock.advance(watchMinutes)
      const done = async () => (await world.rows<{ state: string }>('SELECT state FROM erasures'))[0]?.state === 'done'
      await passing('the watch ends', done)
      const [{ n } = { n: -1 }] = await world.rows<{ n: number }>(
        "SELECT COUNT(*) AS n FROM wa_outgoing_messages WHERE message_id IS NOT NULL AND payload LIKE '%cleared%'",
      )
      expect(Number(n)).to.equal(0)
      expect(await world.rows('SELECT id FROM erased_messages')).to.deep.equal([])
      const published = (await broker.takeActivity()).map(({ content }) => content.toString('utf8')).join('\n')
      expect(tracesIn(`${await dumpOf(world)}\n${await queuedIn(broker)}\n${published}`, canary, true)).to.deep.equal(
        [],
      )
    })

    it('is written down with who wanted it, and without the person', async () => {
      const { body } = await world.call<{ items: { action: string; actor: string }[] }>('GET', '/v1/audit')
      expect(body.items.filter(({ action }) => action === 'contact.erase').map(({ actor }) => actor)).to.deep.equal([
        'admin',
      ])
    })

    it('leaves everybody else as they were', async () => {
      const tables = await tablesWith(world, bystander)
      expect(tables).to.include.members(['wa_outgoing_messages', 'rejected_events', 'wa_contacts', 'activity_events'])
    })

    it('may be asked for again, and finds nothing', async () => {
      expect((await erase(world, { phone: canary.phone })).counts).to.deep.equal({})
    })

    it('is told of the next parcel as anybody else', async () => {
      const { outcome, message } = await deliver(world, eventOf(canary))
      expect(outcome).to.equal('queued')
      await passing('it is read', async () => (await timelineOf(world, message?.id)).status === 'read')
    })
  })

  describe(`erasing within one account on ${storage}`, function () {
    this.timeout(60_000)
    const world = sharedWorld({ storage })

    it('takes nothing from another account that knows the same person', async () => {
      const [one, other] = [await anOwnConnection(world()), await anOwnConnection(world())]
      const canary = aCanary()
      const idIn = async (account_id: number) =>
        (await deliver(world(), eventOf(canary, { account_id }))).message?.id ?? ''
      const [mine, theirs] = [await idIn(one.accountId), await idIn(other.accountId)]
      await settle(world())
      const { key } = await aKey(world(), one.accountId)
      const body = { accountId: one.accountId, phone: canary.local }
      expect((await withKey(world(), key, 'POST', '/v1/contacts/erase', body)).status).to.equal(200)
      expect(tracesIn(JSON.stringify(await timelineOf(world(), mine)), canary)).to.deep.equal([])
      expect(tracesIn(JSON.stringify(await timelineOf(world(), theirs)), canary)).to.not.be.empty
    })

    it('waits for what is being sent, which is not tried again', async () => {
      const { accountId } = await anOwnConnection(world())
      const canary = aCanary()
      world().provider.addRule({ phone: canary.phone, delayMs: 1_500, error: { http: 429, code: 130429 } })
      const { message } = await deliver(world(), eventOf(canary, { account_id: accountId }))
      await until('it is being sent', async () => (await timelineOf(world(), message?.id)).state === 'sending')
      const answer = await erase(world(), { accountId, phone: canary.phone })
      expect(answer.state).to.equal('working')
      // What would be tried again is out of time instead: nobody need be in time to end it.
      await until('it is over', async () => (await timelineOf(world(), message?.id)).state === 'expired')
      await until('it is cleared', async () => tracesIn(await dumpOf(world()), canary).length === 0)
      expect(requestsFor(world(), canary)).to.have.length(1)
    })

    it('forgets what was counted of a recipient, in that account alone', async () => {
      const settings = { guards: { messagesPerRecipientAndDay: 5 } }
      const [one, other] = [await anOwnConnection(world(), { settings }), await anOwnConnection(world(), { settings })]
      const canary = aCanary()
      for (const { accountId } of [one, other]) await deliver(world(), eventOf(canary, { account_id: accountId }))
      const counted = async ({ accountId }: { accountId: number }) =>
        (await world().rows(`SELECT id FROM usage_counters WHERE id LIKE '${accountId}/%/recipient/%'`)).length
      expect([await counted(one), await counted(other)]).to.deep.equal([1, 1])
      const { counts } = await erase(world(), { accountId: one.accountId, phone: canary.phone })
      expect(counts.usage_counters).to.equal(1)
      expect([await counted(one), await counted(other)]).to.deep.equal([0, 1])
      await erase(world(), { phone: canary.phone })
      expect(await counted(other)).to.equal(0)
    })

    const movedTo = (from: Customer, to: Customer) => {
      const system = { type: 'user_changed_number', body: 'x', wa_id: to.waId, user_id: `IN.9${to.waId}` }
      const timestamp = String(Math.floor(Date.now() / 1_000))
      return aWebhook({
        messages: [{ from: from.waId, id: `wamid.MOVED${to.local}`, timestamp, type: 'system', system }],
      })
    }

    for (const [asked, scope] of [
      ['earlier', {}],
      ['present', {}],
      ['earlier', { accountId: 379 }],
    ] as const)
      it(`finds whoever changed their number by the ${asked} one, for ${JSON.stringify(scope)}`, () => {
        const clock = aClock(new Date().toISOString())
        return inWorld({ storage, now: clock.now }, async (world) => {
          const [canary, moved] = [aCanary(), customerAt(`97${String(randomInt(10_000_000, 99_999_999))}`)]
          await deliver(world, eventOf(canary))
          await settle(world)
          await say(world, canary, canary.words)
          world.provider.addRule({ phone: canary.phone, error: { http: 429, code: 130429 } })
          const { message } = await deliver(world, eventOf(canary))
          await until('it waits', async () => (await timelineOf(world, message?.id)).state === 'waiting')
          await tell(world, movedTo(canary, moved))
          await erase(world, { ...scope, phone: asked === 'earlier' ? canary.phone : moved.phone })
          expect((await timelineOf(world, message?.id)).state, 'what followed them to the new number').to.equal(
            'skipped',
          )
          const traces = async () => {
            const dump = await dumpOf(world)
            return [...tracesIn(dump, canary), ...(dump.includes(moved.local) ? [moved.local] : [])]
          }
          expect(await traces()).to.deep.equal([])
          // What belongs to no message is its connection's, which is another account's here.
          if ('accountId' in scope) return
          await say(world, asked === 'earlier' ? moved : canary, canary.words)
          await until('what came late is cleared', async () => {
            clock.advance(1)
            return (await traces()).length === 0
          })
        })
      })

    it('takes nobody for them who only had their number before', async () => {
      const { accountId, connectionId } = await anOwnConnection(world())
      const [canary, former] = [aCanary(), aCanary()]
      for (const one of [canary, former]) await deliver(world(), eventOf(one, { account_id: accountId }))
      await settle(world())
      await world().database.write('DELETE FROM wa_contacts WHERE phone IN ($1, $2)', [canary.phone, former.phone])
      const stamps = { created_at: '2026-11-20 06:30:00.000', updated_at: '2099-11-20 06:30:00.000' }
      const contact = { connection_id: Number(connectionId), ...stamps }
      await insertRows(world().database, 'wa_contacts', [
        { ...contact, phone: canary.phone, former_phone: null },
        { ...contact, phone: former.phone, former_phone: canary.phone },
      ])
      await erase(world(), { accountId, phone: canary.phone })
      expect(tracesIn(await dumpOf(world()), canary)).to.deep.equal([])
      expect(await tablesWith(world(), former)).to.include.members(['wa_outgoing_messages', 'wa_contacts'])
      await erase(world(), { accountId, phone: canary.phone })
      expect(await tablesWith(world(), former)).to.include.members(['wa_outgoing_messages', 'wa_contacts'])
    })

    it('deletes answers that are kept for repeats, and leaves of a bulk only why lines failed', async () => {
      const { accountId } = await anOwnConnection(world())
      const canary = aCanary()
      const values = { supplier: canary.name, po_number: 'PO-001', total_amount: '€100.00' }
      const template = { name: 'po_notification', language: 'en', values }
      const ask = async () => {
        const { status, text } = await http(world(), 'POST', '/v1/messages', {
          headers: { ...bearer(adminKey), 'content-type': 'application/json', 'idempotency-key': canary.local },
          body: JSON.stringify({ accountId, to: canary.phone, type: 'template', template, createdBy: 'agent-7' }),
        })
        return { status, text }
      }
      const first = await ask()
      expect(first.status, first.text).to.equal(202)
      await settle(world())
      const at = '2026-11-20 06:30:00.000'
      const bulk = { account_id: accountId, idempotency_key: canary.local, total: 1, created_at: at, updated_at: at }
      await insertRows(world().database, 'message_bulks', [bulk])
      const [row] = await world().rows<{ id: number }>(`SELECT id FROM message_bulks WHERE account_id = ${accountId}`)
      const error = { reason: 'invalid', detail: `no ${canary.name}`, errors: [{ path: 'to', message: canary.phone }] }
      const failed = { bulk_id: Number(row?.id), line: 1, error: JSON.stringify(error), created_at: at }
      await insertRows(world().database, 'message_bulk_errors', [failed])
      await erase(world(), { accountId, phone: canary.phone })
      expect((await ask()).status).to.equal(410)
      const { body } = await world().call<{ items: object[] }>('GET', `/v1/bulks/${row?.id}/errors`)
      expect(body.items).to.deep.equal([{ line: 1, error: { reason: 'invalid', detail: 'cleared' } }])
    })

    it('is refused for another account, and without one', async () => {
      const { accountId } = await anOwnConnection(world())
      const { key } = await aKey(world(), accountId)
      for (const body of [{ accountId: 5, phone: '+919810012345' }, { phone: '+919810012345' }])
        expect((await withKey(world(), key, 'POST', '/v1/contacts/erase', body)).status).to.equal(404)
    })

    it('is refused without a phone that can be one', async () => {
      for (const phone of ['9810012345', 'nobody', '+91981']) {
        const { status } = await world().call('POST', '/v1/contacts/erase', { phone })
        expect(status, phone).to.equal(400)
      }
    })

    it('keeps a refusal in force', async () => {
      const { accountId } = await anOwnConnection(world())
      const canary = aCanary()
      const said = ['all', 'marketing'].map((topic) => ({
        account_id: accountId,
        address: canary.phone,
        topic,
        is_wanted: topic === 'all' ? 0 : 1,
        changed_at: '2026-11-20 06:30:00.000',
        changed_by: 'api',
        created_at: '2026-11-20 06:30:00.000',
        updated_at: '2026-11-20 06:30:00.000',
      }))
      await insertRows(world().database, 'wa_consents', said)
      await erase(world(), { accountId, phone: canary.phone })
      const left = await world().rows(`SELECT topic FROM wa_consents WHERE account_id = ${accountId}`)
      expect(left).to.deep.equal([{ topic: 'all' }])
    })
  })
}
