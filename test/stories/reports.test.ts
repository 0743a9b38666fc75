import { expect } from 'chai'
import fc from 'fast-check'
import type { ReportStatus } from '../../src/core/contract/events.ts'
import { type Evidence, withReport } from '../../src/core/inbound/message-status.ts'
import { scaled } from '../support/scale.ts'
import {
  aClock,
  aCustomer,
  activityOf,
  aFirstMessage,
  anOwnConnection,
  aSilentMessage,
  aStatus,
  aWebhook,
  type FirstMessage,
  inWorld,
  postWebhook,
  settle,
  sharedWorld,
  signatureOf,
  storages,
  timelineOf,
} from '../support/stories.ts'
import type { World } from '../support/world.ts'
import { until } from '../support/world.ts'

const statuses: readonly ReportStatus[] = ['sent', 'delivered', 'read', 'failed']
const unreachable = {
  errors: [{ code: 131026, title: 'Message undeliverable', error_data: { details: 'Message Undeliverable.' } }],
}

/** Seconds of each status: as if they had happened one after the other. */
const startedAt = Math.floor(Date.now() / 1000) - 60
const secondsOf = (status: ReportStatus): number => startedAt + statuses.indexOf(status)
const timeOf = (status: ReportStatus): string => new Date(secondsOf(status) * 1000).toISOString()

const reportOf = ({ sent }: FirstMessage, status: ReportStatus): object =>
  aStatus(sent, status, { timestamp: String(secondsOf(status)), ...(status === 'failed' ? unreachable : {}) })

/** Reports statuses, one webhook each, in this order or all at once. */
async function report(world: World, message: FirstMessage, reported: readonly ReportStatus[], atOnce = false) {
  const post = async (status: ReportStatus) => {
    const { status: answer } = await postWebhook(world, aWebhook({ statuses: [reportOf(message, status)] }))
    expect(answer).to.equal(200)
  }
  if (atOnce) await Promise.all(reported.map(post))
  else for (const status of reported) await post(status)
  await settle(world)
  return stateOf(world, message.id)
}

async function stateOf(world: World, id: string) {
  const { status, sentAt, deliveredAt, readAt, failedAt, failure } = await timelineOf(world, id)
  return { status, sentAt, deliveredAt, readAt, failedAt, failure: failure?.code ?? null }
}

/** The state that follows from what was reported, whatever the order. */
function stateAfter(reported: readonly ReportStatus[]) {
  const has = (status: ReportStatus) => reported.includes(status)
  const when = (status: ReportStatus) => (has(status) ? timeOf(status) : null)
  const best = (['read', 'delivered', 'failed', 'sent'] as const).find(has)
  return {
    status: best,
    sentAt: when('sent'),
    deliveredAt: when('delivered') ?? when('read'),
    readAt: when('read'),
    failedAt: when('failed'),
    failure: has('failed') ? 'recipient_unreachable' : null,
  }
}

for (const storage of storages) {
  describe(`delivery reports on ${storage}`, () => {
    const world = sharedWorld({ storage })

    it('lead to the same state and activity in any order and number', async function () {
      this.timeout(scaled(20_000, 600_000))
      const reports = fc.array(fc.constantFrom(...statuses), { minLength: 1, maxLength: 7 })
      const property = fc.asyncProperty(reports, fc.boolean(), async (reported, atOnce) => {
        const message = await aSilentMessage(world())
        expect(await report(world(), message, reported, atOnce)).to.deep.equal(stateAfter(reported))
        const { reports: rows } = await timelineOf(world(), message.id)
        expect(rows.map(({ status }) => status)).to.have.members([...new Set(reported)])
        expect(await activityOf(world(), message.id)).to.have.members(['inqueue', ...new Set(reported)])
      })
      await fc.assert(property, { numRuns: scaled(30, 1_000) })
    })

    it('prove a delivery against a failure that was reported before', async () => {
      const message = await aSilentMessage(world())
      expect((await report(world(), message, ['failed', 'delivered'])).status).to.equal('delivered')
    })

    it('keep a failure after the delivery as a note', async () => {
      const message = await aSilentMessage(world())
      const { status, failure } = await report(world(), message, ['delivered', 'failed'])
      expect({ status, failure }).to.deep.equal({ status: 'delivered', failure: 'recipient_unreachable' })
    })

    it('imply the delivery of what was read', async () => {
      const message = await aSilentMessage(world())
      const { deliveredAt, readAt } = await report(world(), message, ['read'])
      expect(deliveredAt).to.equal(timeOf('read')).and.to.equal(readAt)
    })

    it('are believed when they come before the answer to the send', async () => {
      const customer = aCustomer()
      world().provider.addRule({ phone: customer.phone, delayMs: 50, webhooks: { beforeAnswer: true } })
      const { id, sent } = await aFirstMessage(world(), { customer })
      await until('the answer is written down', async () => (await timelineOf(world(), id)).attempts.length > 0)
      const { status, messageId, attempts, state } = await timelineOf(world(), id)
      expect({ status, messageId, state }).to.deep.equal({ status: 'read', messageId: sent.wamid, state: 'accepted' })
      expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['accepted'])
      expect((await activityOf(world(), id)).filter((type) => type === 'inqueue')).to.have.length(1)
    })

    it('come twice, shuffled and early without leaving a trace of it', async () => {
      const customer = aCustomer()
      const webhooks = { duplicates: 2, shuffle: true, beforeAnswer: true }
      world().provider.addRule({ phone: customer.phone, webhooks })
      const { id } = await aFirstMessage(world(), { customer })
      expect(await activityOf(world(), id)).to.have.members(['inqueue', 'sent', 'delivered', 'read'])
      expect((await timelineOf(world(), id)).reports).to.have.length(3)
    })

    it('change nothing when their status is not known', async () => {
      const message = await aSilentMessage(world())
      const before = await timelineOf(world(), message.id)
      // Later than the acceptance: an earlier time would be news of that.
      const later = { timestamp: String(Math.floor(Date.now() / 1000) + 60) }
      await postWebhook(world(), aWebhook({ statuses: [aStatus(message.sent, 'teleported', later)] }))
      await settle(world())
      const { reports, timeline, ...after } = await timelineOf(world(), message.id)
      expect(reports.map(({ status }) => status)).to.deep.equal(['teleported'])
      expect(timeline.at(-1)?.text).to.equal('The provider reported "teleported"; that changes nothing.')
      expect({ ...after, reports: [], timeline: timeline.slice(0, -1) }).to.deep.equal(before)
    })

    it("tell the provider's reason for a failure, in the message and in the activity event", async () => {
      const message = await aSilentMessage(world())
      await report(world(), message, ['failed'])
      const { failure, activity } = await timelineOf(world(), message.id)
      expect(failure).to.include({ code: 'recipient_unreachable', vendorCode: '131026' })
      expect(failure?.detail).to.include('Message Undeliverable.')
      const failed = activity.find(({ event }) => event.eventSubType === 'failed')
      expect(failed?.event.response_data.failureReason).to.include('131026').and.to.include('Message Undeliverable.')
    })

    it("say nothing about another connection's messages", async () => {
      const message = await aSilentMessage(world())
      const { path, phoneNumberId, credentials } = await anOwnConnection(world())
      const body = JSON.stringify(aWebhook({ statuses: [reportOf(message, 'read')] }, phoneNumberId))
      const { status } = await postWebhook(world(), body, { path, signature: signatureOf(body, credentials.appSecret) })
      await settle(world())
      expect(status).to.equal(200)
      expect((await timelineOf(world(), message.id)).status).to.equal('accepted')
    })

    it('are kept when nobody knows their message', async () => {
      const stranger = { wamid: 'wamid.NOTOURS0001', to: '919810012345' }
      expect((await postWebhook(world(), aWebhook({ statuses: [aStatus(stranger, 'sent')] }))).status).to.equal(200)
      await settle(world())
      const rows = await world().rows(
        "SELECT status, wa_outgoing_message_id FROM wa_dlr_messages WHERE message_id = 'wamid.NOTOURS0001'",
      )
      expect(rows).to.deep.equal([{ status: 'sent', wa_outgoing_message_id: null }])
    })
  })

  describe(`delivery reports that nobody can place yet, on ${storage}`, () => {
    it('are applied once the id of their message is known', () => {
      const clock = aClock(new Date().toISOString())
      return inWorld({ storage, now: clock.now }, async (world) => {
        const message = await aSilentMessage(world, { rule: { answer: 'reset', next: 1 } })
        const { reference: _, ...withoutReference } = message.sent
        await postWebhook(world, aWebhook({ statuses: [aStatus(withoutReference, 'read')] }))
        await settle(world)
        expect((await timelineOf(world, message.id)).status).to.equal('unknown')
        await report(world, message, ['sent'])
        clock.advance(1)
        await until('the early report is applied', async () => (await timelineOf(world, message.id)).status === 'read')
        expect(await activityOf(world, message.id)).to.deep.equal(['inqueue', 'sent', 'read'])
      })
    })
  })
}

describe('evidence about a message', () => {
  const someStatus = fc.constantFrom(...statuses)
  const someTime = fc.date({ min: new Date('2026-01-01'), max: new Date('2026-12-31'), noInvalidDate: true })
  const known = fc
    .record({ acceptedAt: fc.option(someTime), reports: fc.array(fc.tuple(someStatus, someTime)) })
    .map(({ acceptedAt, reports }) => {
      const nothing: Evidence = {
        statusRank: acceptedAt ? 3 : 1,
        acceptedAt,
        sentAt: null,
        deliveredAt: null,
        readAt: null,
        failedAt: null,
      }
      return reports.reduce((evidence, [status, at]) => withReport(evidence, status, at), nothing)
    })

  it('does not depend on the order of two reports', () => {
    const property = fc.property(known, someStatus, someTime, someStatus, someTime, (before, one, at, other, later) => {
      const forwards = withReport(withReport(before, one, at), other, later)
      const backwards = withReport(withReport(before, other, later), one, at)
      expect(forwards).to.deep.equal(backwards)
    })
    fc.assert(property)
  })

  it('does not change by repeating a report', () => {
    const property = fc.property(known, someStatus, someTime, (before, status, at) => {
      const once = withReport(before, status, at)
      expect(withReport(once, status, at)).to.deep.equal(once)
    })
    fc.assert(property)
  })

  it('never goes back', () => {
    const property = fc.property(known, someStatus, someTime, (before, status, at) => {
      expect(withReport(before, status, at).statusRank).to.be.at.least(before.statusRank)
    })
    fc.assert(property)
  })
})
