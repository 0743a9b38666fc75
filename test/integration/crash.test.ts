import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import { anFdrEvent, anFdrEventFor } from '../support/fixtures.ts'
import type { GatewayProcess } from '../support/process.ts'
import { callGateway, prepareSurroundings, type Surroundings } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

const eventCount = 200
const kills = 5
const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000)

/** mulberry32 */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const silentTemplate = 'fdr_address_issue'

const anEventTo = (customerContactNumber: string, index: number) =>
  index % 3 === 0 ? anFdrEventFor(6, 'Address issue', { customerContactNumber }) : anFdrEvent({ customerContactNumber })

describe(`a gateway that is killed again and again (TEST_SEED=${seed})`, function () {
  this.timeout(120_000)
  const random = randomFrom(seed)
  let around: Surroundings
  let gateway: GatewayProcess
  /** Messages that were being sent when their process was killed. */
  let cutOff = 0

  before(async () => {
    // Slow, so that every kill meets calls under way; reports are told again until they are taken.
    around = await prepareSurroundings({ simulator: { seed, webhooks: { retryMaxMs: 500, attempts: 200 } } })
    // Of some messages nothing is ever heard, so that only what was written down can keep them from being sent again.
    around.provider.addRule({
      template: silentTemplate,
      delayMs: 300,
      webhooks: { suppress: ['sent', 'delivered', 'read'] },
    })
    around.provider.addRule({ delayMs: 300, probability: 0.5 })
    around.provider.addRule({ delayMs: 30 })
    gateway = await around.gateway()
    for (let round = 0; round < kills; round++) await killDuring(round)
    await settle()
  })
  after(() => around?.close())

  const accepted = () => around.provider.stats().accepted
  const perRound = eventCount / kills

  /** Publishes, waits until a random number of messages went out, then a random moment, and kills without warning. */
  async function killDuring(round: number) {
    const phones = Array.from({ length: perRound }, (_, n) => String(9_850_010_000 + round * perRound + n))
    const enough = accepted() + Math.floor(random() * perRound * 0.7)
    await around.broker.publish(...phones.map(anEventTo))
    await until('some are accepted', () => accepted() >= enough, 30_000)
    await sleep(random() * 60)
    await gateway.kill('SIGKILL')
    cutOff += await around.count("wa_outgoing_messages WHERE state = 'sending'")
    gateway = await around.gateway()
  }

  /** Until all rows are there and every lease of a killed process is over; time is made to pass for those. */
  async function settle() {
    await until('all events are rows', async () => (await around.count('wa_outgoing_messages')) >= eventCount, 30_000)
    const before = gateway.startedAt.toISOString().slice(0, 23).replace('T', ' ')
    await around.database.write(
      "UPDATE wa_outgoing_messages SET due_at = '2020-01-01' WHERE state = 'sending' AND updated_at < $1",
      [before],
    )
    const busy = "wa_outgoing_messages WHERE state IN ('queued', 'waiting', 'sending')"
    await until('nothing is under way', async () => (await around.count(busy)) === 0, 30_000)
    await around.provider.idle(30_000)
    await until(
      'all reports are applied',
      async () => (await around.count('wa_dlr_messages WHERE due_at IS NOT NULL')) === 0,
      30_000,
    )
  }

  it('met calls under way', () => expect(cutOff).to.be.greaterThan(0))

  it('lost no event and invented none', async () => {
    expect(await around.count('wa_outgoing_messages')).to.equal(eventCount)
    expect(await around.count('rejected_events')).to.equal(0)
  })

  it('told nobody twice', () => {
    const { maxAcceptedPerRecipient, maxAcceptedPerReference } = around.provider.stats()
    expect({ maxAcceptedPerRecipient, maxAcceptedPerReference }).to.deep.equal({
      maxAcceptedPerRecipient: 1,
      maxAcceptedPerReference: 1,
    })
  })

  it('knows of every message whether the provider took it', async () => {
    const rows = await around.database.select<{ state: string; phone: string; messageId: string | null }>(
      'SELECT state, customer_phone AS phone, message_id AS messageId FROM wa_outgoing_messages',
    )
    const taken = new Map(around.provider.accepted().map((message) => [`+${message.to}`, message]))
    for (const { state, phone, messageId } of rows) {
      const message = taken.get(phone)
      if (state === 'in_doubt') expect(message?.template, phone).to.be.oneOf([undefined, silentTemplate])
      else expect({ state, messageId }, phone).to.deep.equal({ state: 'accepted', messageId: message?.wamid })
    }
  })

  it('applied every report that it had answered 200', async () => {
    const told = around.provider.accepted().filter(({ template }) => template !== silentTemplate).length
    const answered = around.provider.webhooks().filter(({ status }) => status === 200).length
    expect(await around.count('wa_dlr_messages'))
      .to.equal(told * 3)
      .and.equal(answered)
    expect(await around.count('wa_outgoing_messages WHERE read_at IS NOT NULL')).to.equal(told)
  })

  it('left nothing in the broker', async () => {
    await gateway.kill('SIGTERM')
    expect(await around.broker.depth(names.eventQueue)).to.equal(0)
    expect(await around.broker.depth(names.parkedQueue)).to.equal(0)
  })
})

describe('a gateway that is killed after it answered a webhook', function () {
  this.timeout(60_000)

  it('has it stored, and the next one applies it', async () => {
    const around = await prepareSurroundings()
    try {
      // Takes webhooks and applies none, so that the kill certainly comes between the two.
      const receiver = await around.gateway({ ROLES: 'http' })
      await callGateway(receiver, 'POST', '/v1/events', anFdrEvent())
      await until('its reports are answered', () => around.provider.stats().webhooks.sent === 3)
      await receiver.kill('SIGKILL')
      expect(await around.count('wa_dlr_messages WHERE due_at IS NOT NULL')).to.equal(3)
      await around.gateway()
      const isRead = async () => (await around.count('wa_outgoing_messages WHERE read_at IS NOT NULL')) === 1
      await until('the message is read', isRead)
      expect(await around.count('wa_dlr_messages WHERE due_at IS NOT NULL')).to.equal(0)
    } finally {
      await around.close()
    }
  })
})
