import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { printFigures } from '../support/figures.ts'
import { type Load, openLoad } from '../support/load.ts'
import type { GatewayProcess } from '../support/process.ts'
import { startProxy, type TestProxy, throughProxy } from '../support/proxy.ts'
import { patienceMs, scaled } from '../support/scale.ts'
import { anOwnConnection, type OwnConnection } from '../support/stories.ts'
import { prepareSurroundings, type Surroundings, through } from '../support/surroundings.ts'
import { ageDoubts, countRows, inDoubt, unfinished } from '../support/unfinished.ts'
import { until } from '../support/world.ts'

const processes = scaled(4, 10)
const rounds = scaled(1, 5)
const eventsPerRound = scaled(600, 1_500)
const perSecond = 100
/** A lease is 90 s: by the time they go on, somebody else has decided about what they held. */
const leaseMs = 90_000
const frozenMs = leaseMs + 8_000
/** Makes the moment between a claim's commit and its call long enough to be met. */
const databaseMs = 20
/** Calls that are under way when their process stops. */
const callMs = 150

describe(`${processes} processes that stand still for longer than a lease, ${rounds} times, beside one that goes on`, function () {
  this.timeout((rounds + 2) * 2 * patienceMs)
  let around: Surroundings
  let load: Load
  let slow: TestProxy
  let owner: OwnConnection
  const victims: GatewayProcess[] = []
  const seen = { held: 0, doubts: 0, resent: 0 }

  before(async () => {
    around = await prepareSurroundings({
      simulator: { keepBodies: false, webhooks: { retryMaxMs: 1_000, attempts: 200 } },
    })
    load = openLoad(around)
    await watchStatuses()
    const survivor = await around.gateway()
    owner = await anOwnConnection(through(around, survivor), { limits: { messagesPerSecond: 400, concurrency: 100 } })
    around.provider.addRule({ delayMs: callMs })
    slow = await startProxy(around.env.DATABASE_URL ?? '')
    slow.delay(databaseMs)
    const throughSlow = { PORT: '0', DATABASE_URL: throughProxy(around.env.DATABASE_URL ?? '', slow) }
    while (victims.length < processes) victims.push(await around.gateway(throughSlow))
    for (let round = 0; round < rounds; round++) await freezeAll()
    await until('every doubt is decided', decided, patienceMs)
  })
  after(async () => {
    load?.close()
    await around?.close()
    await slow?.close()
  })

  it('met messages that were being sent', () => {
    printFigures({
      'times that a process stood still': rounds * processes,
      'messages in their hands': seen.held,
      'of them in doubt when the lease was over': seen.doubts,
      'of them sent by another meanwhile': seen.resent,
    })
    expect(seen.held).to.be.at.least(rounds)
  })

  it('sends nothing twice', async () => {
    const { accepted, recipients, maxAcceptedPerRecipient } = around.provider.stats()
    printFigures({ 'messages accepted by the provider': accepted, 'recipients who got two': accepted - recipients })
    expect(await twice(), 'what became of messages that were sent twice').to.deep.equal([])
    expect(maxAcceptedPerRecipient).to.equal(1)
  })

  it('takes no status back', async () => {
    expect(await around.database.select('SELECT * FROM proof_falls')).to.deep.equal([])
  })

  it('brings every message to a good end', async () => {
    const total = rounds * eventsPerRound
    const ends = await around.database.select<{ state: string; status: number; n: number }>(
      'SELECT state, status_rank AS status, COUNT(*) AS n FROM wa_outgoing_messages GROUP BY state, status_rank',
    )
    expect(ends.map(({ n, ...end }) => ({ ...end, n: Number(n) }))).to.deep.equal([
      { state: 'accepted', status: 7, n: total },
    ])
    expect(around.provider.stats().recipients).to.equal(total)
  })

  /** All stand still in the middle of their work; before they go on, their doubts are decided by who is left. */
  async function freezeAll(): Promise<void> {
    const { provider, database } = around
    const before = provider.stats().accepted
    const publishing = load.publish({ accountId: owner.accountId, count: eventsPerRound, perSecond })
    await until('they are in the middle', () => provider.stats().accepted >= before + eventsPerRound / 3, patienceMs)
    for (const { pid } of victims) {
      process.kill(pid, 'SIGSTOP')
      await sleep(70)
    }
    const frozenAt = performance.now()
    await publishing
    // What they hold comes free when broker and database give up their connections.
    await until('the other one has sent all else', isAllSent, leaseMs - 5_000).catch(() => {})
    seen.held += await countRows(database, sending)
    await sleep(leaseMs + 3_000 - (performance.now() - frozenAt))
    seen.doubts += await countRows(database, inDoubt)
    // A report that waits for a row which a frozen transaction holds could still prove a doubt.
    const isAllTold = (await countRows(database, 'wa_dlr_messages WHERE due_at IS NOT NULL')) === 0
    if (isAllTold) await ageDoubts(database)
    await sleep(frozenMs - (performance.now() - frozenAt))
    for (const { pid } of victims) process.kill(pid, 'SIGCONT')
    await until('nothing is left to do', async () => (await unfinished(database)).length === 0, patienceMs)
    seen.resent = await countRows(database, 'wa_outgoing_messages WHERE possible_duplicate = 1')
  }

  /** Each acceptance of messages that have several, and what was written down of their attempts. */
  async function twice(): Promise<unknown[]> {
    const accepted = around.provider.accepted()
    const doubled = accepted.filter(({ to }) => accepted.filter((other) => other.to === to).length > 1)
    const references = [...new Set(doubled.map(({ reference = '' }) => `'${reference.split('.')[0]}'`))].join(', ')
    if (references === '') return []
    const attempts = await around.database.select(
      `SELECT m.reference, m.created_at, a.attempt, a.outcome, a.failure_code, a.detail, a.started_at, a.finished_at
       FROM wa_outgoing_messages m JOIN wa_send_attempts a ON a.wa_outgoing_message_id = m.id
       WHERE m.reference IN (${references}) ORDER BY m.id, a.attempt`,
    )
    return [...doubled.map(({ reference, at }) => ({ reference, at })), ...attempts]
  }

  const sending = "wa_outgoing_messages WHERE state = 'sending'"
  const isAllSent = async () =>
    (await countRows(around.database, "wa_outgoing_messages WHERE state IN ('queued', 'waiting')")) === 0

  async function decided(): Promise<boolean> {
    if ((await countRows(around.database, inDoubt)) > 0) await ageDoubts(around.database)
    await sleep(500)
    return (await countRows(around.database, inDoubt)) === 0 && (await unfinished(around.database)).length === 0
  }

  /** Notes each status that is taken back, in the transaction that does it. */
  async function watchStatuses(): Promise<void> {
    const { database } = around
    await database.write('CREATE TABLE proof_falls (message BIGINT, earlier INT, later INT)')
    await database.sequelize.query(
      `CREATE TRIGGER proof_fall AFTER UPDATE ON wa_outgoing_messages FOR EACH ROW
       INSERT INTO proof_falls SELECT OLD.id, OLD.status_rank, NEW.status_rank FROM DUAL
       WHERE OLD.accepted_at IS NOT NULL AND NEW.status_rank < OLD.status_rank`,
    )
  }
})
