import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { names } from '../../src/consumers/topology.ts'
import type { AcceptedMessage, WebhookRecord } from '../../src/providers/simulator/ledger.ts'
import { type Balancer, startBalancer } from '../support/balancer.ts'
import { printFigures } from '../support/figures.ts'
import { openLoad } from '../support/load.ts'
import type { Exit, GatewayProcess } from '../support/process.ts'
import { patienceMs, scaled } from '../support/scale.ts'
import { aCustomer, eventFor } from '../support/stories.ts'
import { prepareSurroundings, type Surroundings, troubles } from '../support/surroundings.ts'
import { countRows, unfinished } from '../support/unfinished.ts'
import { callApi, until } from '../support/world.ts'

const rounds = scaled(1, 10)
/** By the broker; by HTTP comes a fifth of it. */
const perSecond = 20
const tapEveryMs = 500
const replicas = 2

/** A little longer than the balancer takes to see that a replica is not ready any more. */
const drainSeconds = '3'

describe(`${replicas} processes replaced in turn ${rounds === 1 ? 'once' : `${rounds} times`} under load`, function () {
  this.timeout(patienceMs * (rounds + 2))
  let around: Surroundings
  let balancer: Balancer
  let url: string
  const exits: Exit[] = []
  const stopped: GatewayProcess[] = []
  const left: unknown[] = []
  const webhooks: WebhookRecord[] = []
  const firstMessages = new Map<string, number>()
  const posted: (number | string)[] = []
  let published = 0
  let taps = 0

  before(async () => {
    around = await prepareSurroundings({ simulator: { keepBodies: false } })
    await around.broker.bindActivity()
    url = `http://127.0.0.1:${around.env.PORT}`
    balancer = await startBalancer(Number(around.env.PORT))
    around.provider.subscribe(({ type, data }) => {
      if (type === 'webhook') webhooks.push(data as WebhookRecord)
      if (type === 'accepted') count(data as AcceptedMessage)
    })
    const running: GatewayProcess[] = []
    for (let n = 0; n < replicas; n++) running.push(await startReplica())
    const load = startLoad()
    for (let round = 0; round < rounds; round++) {
      for (const replica of [...running]) {
        running.push(await startReplica())
        await stopReplica(replica)
        running.splice(running.indexOf(replica), 1)
      }
    }
    await load.end()
    const isDone = async () => (await unfinished(around.database)).length === 0 && (await queued()) === 0
    await until('nothing is left to do', isDone, patienceMs)
    await around.provider.idle(patienceMs)
    await until('every report is applied', isDone, patienceMs)
    left.push(...running.flatMap(troubles))
  })
  after(async () => {
    await around?.close()
    await balancer?.close()
  })

  const queued = () => around.broker.depth(names.eventQueue)

  const count = ({ type, to }: AcceptedMessage) => {
    if (type === 'template') firstMessages.set(to, (firstMessages.get(to) ?? 0) + 1)
  }

  async function startReplica(): Promise<GatewayProcess> {
    const gateway = await around.gateway({ PORT: '0', PUBLIC_URL: url, DRAIN_SECONDS: drainSeconds })
    const before = balancer.ready()
    balancer.add(gateway.url)
    await until('the balancer knows it', () => balancer.ready() > before)
    return gateway
  }

  async function stopReplica(gateway: GatewayProcess): Promise<void> {
    exits.push(await gateway.kill('SIGTERM'))
    balancer.remove(gateway.url)
    stopped.push(gateway)
  }

  /** Events by the broker and by HTTP, and customers who tap, until it is ended. */
  function startLoad() {
    const load = openLoad(around)
    let isOn = true
    const publishing = async () => {
      for (; isOn; published += perSecond) await load.publish({ accountId: 379, count: perSecond, perSecond })
    }
    const posting = async () => {
      for (; isOn; await sleep(5_000 / perSecond)) posted.push(await post())
    }
    const tapping = async () => {
      for (; isOn; await sleep(tapEveryMs)) {
        const newest = around.provider.accepted().findLast(({ type }) => type === 'template')
        if (!newest) continue
        await around.provider.tap(newest.wamid, { title: 'Reattempt' })
        taps++
      }
    }
    const all = Promise.all([publishing(), posting(), tapping()])
    return {
      async end() {
        isOn = false
        await all
        load.close()
      },
    }
  }

  async function post(): Promise<number | string> {
    try {
      const event = eventFor(aCustomer(), { reason: 'customer_unavailable' })
      return (await callApi(url, 'POST', '/v1/events', event)).status
    } catch (error) {
      return String(error)
    }
  }

  it('lose nobody: every customer was told', async () => {
    expect(published).to.be.greaterThan(0)
    expect(firstMessages.size).to.equal(published + posted.length)
    expect(await countRows(around.database, "wa_outgoing_messages WHERE state <> 'accepted'")).to.equal(0)
  })

  it('tell nobody twice', () => {
    expect([...firstMessages].filter(([, times]) => times > 1)).to.deep.equal([])
    expect(around.provider.stats().maxAcceptedPerReference).to.equal(1)
  })

  it('leave no send in doubt', async () => {
    expect(await countRows(around.database, "wa_send_attempts WHERE outcome = 'in_doubt'")).to.equal(0)
    expect(await countRows(around.database, 'wa_outgoing_messages WHERE possible_duplicate = 1')).to.equal(0)
  })

  it('fail no webhook and no call', () => {
    const failed = webhooks
      .filter(({ status }) => status !== 200)
      .map(({ kinds, status, error }) => ({ kinds, status, error }))
    expect(failed).to.deep.equal([])
    expect(posted.filter((status) => status !== 202)).to.deep.equal([])
  })

  it('take every tap, and push every decision once', async () => {
    expect(taps).to.be.greaterThan(0)
    const decided = await countRows(around.database, 'ndr_actions')
    expect(await countRows(around.database, "ndr_actions WHERE state = 'taken' AND attempts = 1")).to.equal(decided)
    expect(around.provider.ndr()).to.have.length(decided)
  })

  it('publish every activity event', async () => {
    const ids = (await around.broker.takeActivity()).map(({ properties }) => String(properties.messageId))
    expect(new Set(ids).size).to.equal(await countRows(around.database, 'activity_events'))
    printFigures({
      'processes replaced': exits.length,
      'events by the broker': published,
      'events by HTTP': posted.length,
      taps,
      webhooks: webhooks.length,
      'activity events published': new Set(ids).size,
      'of them published again': ids.length - new Set(ids).size,
    })
  })

  it('end by themselves, and log no error', () => {
    expect(exits).to.deep.equal(Array.from({ length: rounds * replicas }, () => ({ code: 0, signal: null })))
    expect([...stopped.flatMap(troubles), ...left]).to.deep.equal([])
  })
})
