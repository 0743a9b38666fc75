import { expect } from 'chai'
import { checkStats } from '../../src/core/stats/check-stats.ts'
import { aKey, bodyOf, withKey } from '../support/clients.ts'
import { patienceMs, scaled } from '../support/scale.ts'
import { countOf, decisionsTaken, type SimulatorCount } from '../support/simulator-count.ts'
import {
  aCustomer,
  anAccount,
  aSilentMessage,
  aStatus,
  aWebhook,
  deliver,
  eventFor,
  inWorld,
  type NotifiedReason,
  settle,
  sharedWorld,
  storages,
  tell,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

interface Tally {
  readonly queued: number
  readonly accepted: number
  readonly sent: number
  readonly delivered: number
  readonly read: number
  readonly failed: number
  readonly failedBy: Readonly<Record<string, number>>
  readonly skipped: number
  readonly skippedBy: Readonly<Record<string, number>>
  readonly unknown: number
  readonly replied: number
  readonly decided: number
  readonly decidedBy: Readonly<Record<string, number>>
  readonly savedDeliveries: number
  readonly timeToDelivery: { readonly medianMs: number | null; readonly p95Ms: number | null }
  readonly timeToDecision: { readonly medianMs: number | null }
  readonly cost: Readonly<Record<string, string>>
  readonly unpriced: number
  readonly [dimension: string]: unknown
}
interface Answer {
  readonly from: string
  readonly to: string
  readonly timezone: string
  readonly items: readonly Tally[]
  readonly totals: Tally
  readonly countedUntil: string | null
}

const ask = async (world: World, query: string): Promise<Answer> => {
  const { status, body } = await world.call<Answer>('GET', `/v1/stats?${query}`)
  expect(status, JSON.stringify(body)).to.equal(200)
  return body
}

/** The answer, once everything that happened up to now is counted. */
const counted = (world: World, query: string): Promise<Answer> => {
  const asked = new Date().toISOString()
  return until(
    'it is counted',
    async () => {
      const answer = await ask(world, query)
      return answer.countedUntil !== null && answer.countedUntil >= asked && answer
    },
    patienceMs,
  )
}

const few = 400
const many = 10_000

/** Reason of each message in turn, and what is scripted for its template. */
const reasons: readonly NotifiedReason[] = [
  'customer_unavailable',
  'customer_unreachable',
  'payment_issue',
  'otp_cancellation',
  'rejected_by_customer',
]

function script({ provider }: World): void {
  // Refused at once, or taken and failed later, or sent and never heard of again.
  provider.addRule({ template: 'fdr_payment_issue', probability: 0.2, error: { code: 131_026 } })
  provider.addRule({ template: 'fdr_payment_issue', probability: 0.3, webhooks: { failCode: 131_049 } })
  provider.addRule({
    template: 'fdr_rejected_by_customer',
    probability: 0.3,
    webhooks: { suppress: ['delivered', 'read'] },
  })
  provider.addRule({ template: 'fdr_rejected_by_customer', probability: 0.3, webhooks: { suppress: ['sent', 'read'] } })
  // Told twice and in any order.
  provider.addRule({ template: 'fdr_customer_unavailable', webhooks: { duplicates: 1, shuffle: true } })
  provider.addCustomer({ when: 'fdr_otp_cancellation', tap: 'Cancel my order' })
  provider.addCustomer({ when: 'fdr_customer_unreachable', tap: 'Reattempt', afterMs: 5 })
  provider.addCustomer({ when: 'fdr_customer_unavailable', tap: 'Report fake delivery' })
}

async function deliverAll(world: World, count: number, disabled: number): Promise<void> {
  let next = 0
  const post = async () => {
    while (next < count) {
      const index = next++
      // Decisions about one shipment are pushed one after the other.
      const shipment = { id: String(30_000_000 + index) }
      const account = index % 40 === 39 ? { account_id: disabled } : {}
      await deliver(
        world,
        eventFor(aCustomer(), { reason: reasons[index % reasons.length] ?? 'payment_issue', ...shipment, ...account }),
      )
    }
  }
  await Promise.all(Array.from({ length: 32 }, post))
}

/** Where the simulator and the statistics must say the same. */
const comparable = (count: SimulatorCount) => {
  const { failedAfterwards, billed, ...funnel } = count
  return funnel
}
const funnelOf = ({ accepted, sent, delivered, read, replied }: Tally) => ({ accepted, sent, delivered, read, replied })

for (const storage of storages) {
  describe(`statistics on ${storage}`, function () {
    this.timeout(patienceMs * 3)

    it("equal the simulator's own count to the last message, reply, decision and rupee", () =>
      inWorld(
        { storage, simulator: { ledgerSize: 400_000, statusDelaysMs: { sent: 2, delivered: 3, read: 4 } } },
        async (world) => {
          const count = scaled(few, many)
          await world.call('PATCH', '/v1/connections/1?verify=false', {
            limits: { messagesPerSecond: 1_000, concurrency: 100 },
          })
          const disabled = await anAccount(world, { isWhatsappEnabled: false })
          script(world)
          await deliverAll(world, count, disabled)
          await settle(world, patienceMs)
          const { provider } = world
          const isFirst = ({ template }: { template?: string }) => template !== undefined
          const { items, totals } = await counted(world, 'by=isFollowUp')
          const [first, followUp] = [
            items.find(({ isFollowUp }) => !isFollowUp),
            items.find(({ isFollowUp }) => isFollowUp),
          ]
          if (!first || !followUp) throw new Error('there are first messages and answers')

          const refused = provider.stats().refused['131026'] ?? 0
          const firstCount = countOf(provider, isFirst)
          expect(first.queued + first.skipped).to.equal(count)
          expect(first.skippedBy).to.deep.equal({ whatsapp_disabled: Math.floor(count / 40) })
          expect(funnelOf(first)).to.deep.equal(comparable(firstCount))
          expect(funnelOf(followUp)).to.deep.equal(comparable(countOf(provider, (message) => !isFirst(message))))
          expect(funnelOf(totals)).to.deep.equal(comparable(countOf(provider)))
          expect(totals.failedBy).to.deep.equal({
            recipient_unreachable: refused,
            ...(await failuresByCode(world, firstCount)),
          })
          expect(refused).to.be.greaterThan(0)
          expect(totals.failed).to.equal(Object.values(totals.failedBy).reduce((sum, n) => sum + n, 0))

          const taken = decisionsTaken(provider)
          expect(Object.keys(taken).sort()).to.deep.equal(['cancel', 'reattempt', 'report_fake_delivery'])
          expect(totals.decidedBy).to.deep.equal(taken)
          expect(totals.savedDeliveries).to.equal(Object.values(taken).reduce((sum, n) => sum + n, 0))
          expect(first.cost).to.deep.equal({ INR: (firstCount.billed * 0.115).toFixed(6) })
          expect(totals.cost).to.deep.equal(first.cost)
          expect(totals.unpriced).to.equal(0)
          expect(totals.timeToDelivery.p95Ms).to.be.at.least(totals.timeToDelivery.medianMs ?? Number.NaN)
          expect(totals.timeToDecision.medianMs).to.be.a('number')

          for (const item of (await ask(world, 'by=template&isFollowUp=false&accountId=379')).items)
            expect(funnelOf(item), String(item.template)).to.deep.equal(
              comparable(countOf(provider, ({ template }) => template === item.template)),
            )
          const { wrongBlocks, wrongSums } = await checkStats(world.database, () => new Date())
          expect({ wrongBlocks, wrongSums }).to.deep.equal({ wrongBlocks: [], wrongSums: [] })
        },
      ))
  })

  describe(`the question for statistics, on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('is answered for a late report in the half-hour in which the message was asked for', async () => {
      const accountId = await anAccount(world())
      const message = await aSilentMessage(world(), { account_id: accountId })
      await world().database.write(
        `UPDATE wa_outgoing_messages SET created_at = '2026-11-19 18:29:59.999', updated_at = $2 WHERE id = $1`,
        [message.id, new Date().toISOString().slice(0, 23).replace('T', ' ')],
      )
      const query = `accountId=${accountId}&by=day&from=2026-11-01&to=2026-12-31`
      const { items: before, timezone } = await counted(world(), query)
      expect(timezone).to.equal('Asia/Kolkata')
      expect(before.map(({ day, accepted, delivered }) => [day, accepted, delivered])).to.deep.equal([
        ['2026-11-19', 1, 0],
      ])
      await tell(world(), aWebhook({ statuses: [aStatus(message.sent, 'delivered')] }))
      const { items: after } = await counted(world(), query)
      expect(after.map(({ day, accepted, sent, delivered }) => [day, accepted, sent, delivered])).to.deep.equal([
        ['2026-11-19', 1, 1, 1],
      ])
      const { items: hours } = await ask(world(), `accountId=${accountId}&by=hour&from=2026-11-19&to=2026-11-19`)
      expect(hours.map(({ hour }) => hour)).to.deep.equal(['2026-11-19T23:00:00+05:30'])
      const utc = await ask(world(), `${query}&timezone=UTC`)
      expect(utc.items.map(({ day }) => day)).to.deep.equal(['2026-11-19'])
    })

    it('is answered by a price that a report tells and that changes nothing else', async () => {
      const accountId = await anAccount(world())
      const message = await aSilentMessage(world(), { account_id: accountId })
      await tell(world(), aWebhook({ statuses: [aStatus(message.sent, 'delivered')] }))
      expect((await counted(world(), `accountId=${accountId}`)).totals.cost).to.deep.equal({ INR: '0.115000' })
      // Long ago, so that nothing but the report's own time tells of it.
      await world().database.write(
        `UPDATE wa_outgoing_messages SET updated_at = '2026-11-01 00:00:00.000' WHERE id = $1`,
        [message.id],
      )
      const pricing = { billable: false, pricing_model: 'PMP', category: 'utility' }
      await tell(world(), aWebhook({ statuses: [aStatus(message.sent, 'deleted', { pricing })] }))
      expect((await counted(world(), `accountId=${accountId}`)).totals).to.deep.include({ delivered: 1, cost: {} })
    })

    it("is answered to a client about its own account, and about another's not at all", async () => {
      const [own, foreign] = [await anAccount(world()), await anAccount(world())]
      await aSilentMessage(world(), { account_id: own })
      await aSilentMessage(world(), { account_id: foreign })
      await counted(world(), '')
      const { key } = await aKey(world(), own)
      const get = async (query: string) => {
        const answer = await withKey(world(), key, 'GET', `/v1/stats${query}`)
        return { status: answer.status, body: bodyOf<Answer>(answer) }
      }
      const { body } = await get('?by=account')
      expect(body.items.map(({ account, queued }) => [account, queued])).to.deep.equal([[own, 1]])
      expect((await get(`?accountId=${foreign}`)).status).to.equal(404)
    })

    it('is answered by every dimension, and for a part of each', async () => {
      const accountId = await anAccount(world())
      await aSilentMessage(world(), { account_id: accountId, reason: 'payment_issue' })
      await counted(world(), '')
      const by = 'account,connection,provider,template,reason,kind,createdBy,isFollowUp'
      const { items } = await ask(world(), `accountId=${accountId}&by=${by}`)
      const known = { connection: '1', provider: 'meta', template: 'fdr_payment_issue', reason: 'payment_issue' }
      const facts = { account: accountId, kind: 'fdr', createdBy: null, isFollowUp: false, ...known }
      expect(items).to.have.length(1)
      expect(items[0]).to.deep.include({ ...facts, queued: 1 })
      for (const [name, value] of Object.entries(known)) {
        const query = (wanted: string) => ask(world(), `accountId=${accountId}&${name}=${wanted}`)
        expect((await query(value)).totals.queued, name).to.equal(1)
        expect((await query('other')).totals.queued, name).to.equal(0)
      }
    })

    const wrong = {
      'by=weekday': ['by', /weekday is none of account/],
      'by=day,hour': ['by', /exclude each other/],
      'from=yesterday': ['from', /neither a date/],
      'from=2026-11-20T10:00:00': ['from', /neither a date/],
      'from=2026-11-20&to=2026-11-19': ['to', /is not after from/],
      'from=2020-01-01': ['from', /at most 400 days/],
      'by=hour&from=2026-01-01': ['from', /by hour at most 31 days/],
      'timezone=Mars/Olympus': ['timezone', /is not a time zone/],
      'by=day&timezone=Asia/Kathmandu': ['timezone', /do not begin at whole half-hours/],
      'isFollowUp=perhaps': ['isFollowUp', /./],
      'tempalte=fdr_payment_issue': ['', /tempalte/],
    } as const
    for (const [query, [path, message]] of Object.entries(wrong)) {
      it(`is told what is wrong with ?${query}`, async () => {
        const { status, body } = await world().call<{ errors: { path: string; message: string }[] }>(
          'GET',
          `/v1/stats?${query}`,
        )
        expect(status).to.equal(400)
        expect(body.errors[0]?.path).to.equal(path)
        expect(body.errors[0]?.message).to.match(message)
      })
    }
  })
}

/** The simulator counts by the vendor's code; ours stand on the messages that carry it. */
async function failuresByCode(world: World, { failedAfterwards }: SimulatorCount): Promise<Record<string, number>> {
  expect(Object.keys(failedAfterwards)).to.deep.equal(['131049'])
  const [row] = await world.rows<{ code: string }>(
    "SELECT failure_code AS code FROM wa_outgoing_messages WHERE failure_reason LIKE '131049%'",
  )
  return { [row?.code ?? '']: failedAfterwards['131049'] ?? 0 }
}
