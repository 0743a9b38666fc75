import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { AcceptedMessage } from '../../src/providers/simulator/ledger.ts'
import { ask } from '../support/ask.ts'
import { anFdrEventFor } from '../support/fixtures.ts'
import type { GatewayProcess } from '../support/process.ts'
import { scaled } from '../support/scale.ts'
import { aWebhook, signatureOf } from '../support/stories.ts'
import { callGateway, prepareSurroundings, type Surroundings, troubles } from '../support/surroundings.ts'
import { until } from '../support/world.ts'

const conversations = scaled(150, 1_000)
/** Webhooks under way at once, each to both replicas. */
const atOnce = 24

const firstPhone = 9_830_000_000
const firstShipment = 60_000_000

const eventOf = (n: number) =>
  anFdrEventFor(5, 'Customer unreachable', {
    customerContactNumber: String(firstPhone + n),
    id: firstShipment + n,
  })

/** The customer taps "Reattempt". */
const aTap = ({ wamid, to, buttons }: AcceptedMessage) => ({
  from: to,
  id: `wamid.tap.${to}`,
  timestamp: String(Math.floor(Date.now() / 1_000)),
  type: 'button',
  context: { from: '911140001234', id: wamid },
  button: { payload: buttons.find(({ title }) => title === 'Reattempt')?.payload, text: 'Reattempt' },
})

const post = async ({ url }: GatewayProcess, body: string) => {
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signatureOf(body) }
  return (await ask(url, 'POST', '/webhooks/meta', { headers, body })).status
}

/** User and system time of a process, from /proc/<pid>/stat, in milliseconds; NaN where there is none. */
function cpuMs({ pid }: GatewayProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return Number.NaN
  }
}

async function metricOf(gateway: GatewayProcess, name: string): Promise<number> {
  const { body } = await callGateway(gateway, 'GET', '/metrics')
  return [...String(body).matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  )
}

describe('decisions of two replicas that hear of every tap at once', function () {
  this.timeout(conversations > 500 ? 300_000 : 90_000)
  let around: Surroundings
  let replicas: GatewayProcess[]

  before(async () => {
    around = await prepareSurroundings()
    replicas = [await around.gateway(), await around.gateway({ PORT: '0' })]
  })
  after(() => around?.close())

  it(`${conversations} conversations: one decision, one NDR call and one thanks each`, async () => {
    await around.broker.publish(...Array.from({ length: conversations }, (_, n) => eventOf(n)))
    const { provider } = around
    await until('all are told', () => provider.stats().accepted === conversations, 60_000)
    await provider.idle(60_000)

    const [startedAt, startCpuMs] = [performance.now(), sumOf(replicas.map(cpuMs))]
    const taps = provider.accepted().map((message) => JSON.stringify(aWebhook({ messages: [aTap(message)] })))
    const tapNext = async (): Promise<void> => {
      const tap = taps.pop()
      if (tap === undefined) return
      expect(await Promise.all(replicas.map((replica) => post(replica, tap)))).to.deep.equal([200, 200])
      return tapNext()
    }
    await Promise.all(Array.from({ length: atOnce }, tapNext))
    await until('all decisions are taken', () => provider.ndr().length >= conversations, 60_000)
    const [tookMs, usedMs] = [performance.now() - startedAt, sumOf(replicas.map(cpuMs)) - startCpuMs]
    await until('all are thanked', () => provider.stats().accepted >= 2 * conversations, 60_000)
    await until(
      'all of it is written down',
      async () => (await around.count("ndr_actions WHERE state = 'taken'")) === conversations,
      60_000,
    )
    await provider.idle(60_000)

    expect(await around.count('wa_customer_reply_messages'), 'taps').to.equal(conversations)
    expect(await around.count('wa_conversations WHERE decision IS NOT NULL'), 'decisions').to.equal(conversations)
    expect(await around.count('ndr_actions'), 'actions').to.equal(conversations)
    expect(await around.count("activity_events WHERE event_sub_type = 'Reattempt'"), 'events').to.equal(conversations)
    const taken = provider.ndr()
    expect(new Set(taken.map(({ idempotencyKey }) => idempotencyKey)).size, 'keys').to.equal(conversations)
    expect(new Set(taken.map(({ body }) => body.shipmentId)).size, 'shipments').to.equal(conversations)
    expect(
      taken.filter(({ calls }) => calls !== 1),
      'repeated calls',
    ).to.be.empty
    expect(provider.ndrCalls(), 'calls').to.have.length(conversations)
    expect(provider.stats().accepted, 'first messages and thanks').to.equal(2 * conversations)
    expect(provider.stats().maxAcceptedPerRecipient).to.equal(2)
    const pushes = await Promise.all(replicas.map((replica) => metricOf(replica, 'fdr_ndr_calls_total')))
    expect(sumOf(pushes), String(pushes)).to.equal(conversations)
    expect(replicas.flatMap(troubles)).to.deep.equal([])
    console.log(
      `      ${conversations} decisions in ${(tookMs / 1_000).toFixed(1)} s, pushed by ${pushes.join(' and ')}; ` +
        `${(usedMs / conversations).toFixed(1)} ms of both processes each, from two webhooks to the NDR call`,
    )
  })
})

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
