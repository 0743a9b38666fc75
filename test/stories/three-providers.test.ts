import { expect } from 'chai'
import { aDialog360Account } from '../support/dialog360.ts'
import {
  aCustomer,
  anOwnConnection,
  type Delivered,
  deliver,
  eventFor,
  inWorld,
  settle,
  storages,
  type Timeline,
  timelineOf,
} from '../support/stories.ts'
import { answerAtTwin, aTwinAccount, sentBy } from '../support/twin24.ts'
import { until, type World } from '../support/world.ts'

interface Told {
  readonly provider: string
  readonly accountId: number
  readonly messageId: string
  readonly timeline: Timeline & { readonly businessPhone: string }
}

/** The same event, but for its account, through one connection of each provider. */
async function tellThroughAll(world: World): Promise<Told[]> {
  const customer = aCustomer()
  const status_log_id = '777000111'
  const accounts = [
    ['meta', (await anOwnConnection(world)).accountId],
    ['360dialog', (await aDialog360Account(world)).accountId],
    ['twin24', (await aTwinAccount(world)).accountId],
  ] as const
  const delivered: Delivered[] = []
  for (const [, account_id] of accounts) {
    const changes = { account_id, status_log_id, reason: 'customer_unavailable' } as const
    delivered.push(await deliver(world, eventFor(customer, changes)))
  }
  await settle(world)
  await tapAll(world, customer)
  return Promise.all(
    accounts.map(async ([provider, accountId], index) => {
      const messageId = delivered[index]?.message?.id ?? ''
      await until('it was decided', async () => (await timelineOf(world, messageId)).actions[0]?.state === 'taken')
      const timeline = (await timelineOf(world, messageId)) as Told['timeline']
      return { provider, accountId, messageId, timeline }
    }),
  )
}

/** The customer asks for another attempt, by a button or in the bot's dialogue. */
async function tapAll(world: World, customer: ReturnType<typeof aCustomer>): Promise<void> {
  const first = world.provider.accepted().filter(({ to, type }) => to === customer.waId && type === 'template')
  for (const { wamid } of first) await world.provider.tap(wamid, { title: 'Reattempt' })
  const call = { action: 'REATTEMPT', text: 'Reattempt' }
  await answerAtTwin(world, { customer, id: '', sent: sentBy(world, customer) }, { call })
  await settle(world)
}

/** What a provider alone knows: its ids and its times, and our own row numbers. */
const ofProvider = new Set([
  ...['messagedId', 'rootMessageId', 'account_id', 'conversationId', 'sequence'],
  ...['sentOn', 'deliveredAt', 'readAt', 'timestamp'],
])

const order = ['inqueue', 'sent', 'delivered', 'read', 'Reattempt']

/** The events of the first message and its answer, without the facts that differ by provider and account. */
const eventsOf = ({ timeline }: Told) =>
  timeline.activity
    .map(({ event }) => event)
    .filter(({ eventSubType, response_data: { messagedId } }) =>
      eventSubType === 'Reattempt' ? true : messagedId === timeline.messageId,
    )
    // Reports at once may overtake each other.
    .sort((a, b) => order.indexOf(a.eventSubType) - order.indexOf(b.eventSubType))
    .map(({ response_data, ...event }) => {
      const facts = Object.entries(response_data).filter(([name]) => !ofProvider.has(name))
      const said = facts.map(([name, value]) => [name, `+${value}` === timeline.businessPhone ? 'our number' : value])
      return { ...event, response_data: Object.fromEntries(said) }
    })

/** The names of everything in an answer, and what kind of value stands there when there is one. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length > 0 ? [shapeOf(value[0])] : []
  if (typeof value !== 'object' || value === null) return value === null ? 'anything' : typeof value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shapeOf(field)]))
}

/** The columns of a table that hold something for the rows of an account. */
async function filledColumns(world: World, table: string, where: string): Promise<string[]> {
  const rows = await world.rows<Record<string, unknown>>(`SELECT * FROM ${table} WHERE ${where}`)
  expect(rows, table).not.to.have.length(0)
  const names = rows.flatMap((row) => Object.keys(row).filter((name) => row[name] !== null))
  return [...new Set(names)].sort()
}

for (const storage of storages) {
  describe(`the same failed delivery through Meta, 360dialog and TWIN, on ${storage}`, () => {
    it('is the same story: activity events, rows and timeline differ only in what a provider alone knows', () =>
      inWorld({ storage }, async (world) => {
        const told = await tellThroughAll(world)
        const of = (provider: string) => {
          const found = told.find((one) => one.provider === provider)
          if (!found) throw new Error(provider)
          return found
        }
        const [meta, dialog360, twin24] = [of('meta'), of('360dialog'), of('twin24')]

        expect(eventsOf(meta).map(({ eventSubType }) => eventSubType)).to.deep.equal(order)
        expect(eventsOf(dialog360)).to.deep.equal(eventsOf(meta))
        // TWIN tells neither that it was sent nor that it was read; the rest is word for word the same.
        const alsoAtTwin = eventsOf(meta).filter(({ eventSubType }) => !['sent', 'read'].includes(eventSubType))
        expect(eventsOf(twin24)).to.deep.equal(alsoAtTwin)

        await sameColumns(world, [meta, dialog360, twin24])

        const { replies, reports, followUps, timeline, ...rest } = meta.timeline
        const names = (one: Told) => Object.keys(one.timeline).sort()
        expect(shapeOf(dialog360.timeline)).to.deep.equal(shapeOf(meta.timeline))
        expect(names(twin24)).to.deep.equal(names(meta))
        for (const list of ['replies', 'reports', 'attempts', 'actions', 'timeline', 'activity'] as const)
          expect(Object.keys(twin24.timeline[list][0] ?? {}), list).to.deep.equal(
            Object.keys(meta.timeline[list][0] ?? {}),
          )
        expect([replies, reports, timeline].every((list) => list.length > 0)).to.equal(true)
        expect(followUps, 'thanks').to.have.length(1)
        expect(twin24.timeline.followUps, 'the bot thanks').to.deep.equal([])
        for (const one of [dialog360, twin24])
          for (const name of ['text', 'orderNumber', 'reason', 'subject', 'template', 'customerPhone', 'kind'] as const)
            expect(one.timeline[name as keyof Timeline], name).to.deep.equal(rest[name as keyof typeof rest])
      }))
  })
}

/** Its callbacks have neither a time nor a price. */
const unknownToTwin = [
  ...['external_updated_at', 'external_timestamp', 'pricing'],
  ...['pricing_model', 'pricing_type', 'pricing_category', 'is_billable'],
]

/** Each provider fills the same columns, but for those that it has no fact for. */
async function sameColumns(world: World, told: readonly Told[]): Promise<void> {
  const tables: [table: string, whereOf: (one: Told) => string, optional: readonly string[]][] = [
    ['wa_outgoing_messages', ({ messageId }) => `id = ${messageId}`, ['sent_at', 'read_at', ...unknownToTwin]],
    ['wa_send_attempts', ({ messageId }) => `wa_outgoing_message_id = ${messageId}`, []],
    ['wa_dlr_messages', ({ messageId }) => `wa_outgoing_message_id = ${messageId}`, unknownToTwin],
    [
      'wa_customer_reply_messages',
      ({ messageId }) => `wa_root_outgoing_message_id = ${messageId}`,
      // A dialogue of the provider's has no buttons, and knows its customer, and what he answers, by the first message.
      [
        ...['button_reply_id', 'context_message_id', 'wa_context_outgoing_message_id'],
        ...['from_phone', 'from_user_id', 'from_name', ...unknownToTwin],
      ],
    ],
    ['wa_conversations', ({ messageId }) => `root_outgoing_message_id = ${messageId}`, ['progress', 'connection_id']],
    ['ndr_actions', ({ messageId }) => `root_outgoing_message_id = ${messageId}`, []],
  ]
  for (const [table, whereOf, optional] of tables) {
    const columns = await Promise.all(told.map((one) => filledColumns(world, table, whereOf(one))))
    const [ofMeta = [], of360 = [], ofTwin = []] = columns
    expect(of360, table).to.deep.equal(ofMeta)
    const common = (names: string[]) => names.filter((name) => !optional.includes(name))
    expect(common(ofTwin), table).to.deep.equal(common(ofMeta))
  }
}
