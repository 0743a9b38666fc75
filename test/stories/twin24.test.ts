import { expect } from 'chai'
import { DateTime } from 'luxon'
import {
  activityOf,
  decisionsOf,
  http,
  inWorld,
  settle,
  sharedWorld,
  storages,
  timelineOf,
} from '../support/stories.ts'
import {
  answerAtTwin,
  aTwinAccount,
  aTwinMessage,
  botId,
  chatId,
  type TwinAccount,
  untilStatus,
} from '../support/twin24.ts'
import type { World } from '../support/world.ts'

const post = async (world: World, path: string, body: string) => {
  const { status, text } = await http(world, 'POST', path, { body })
  return { status, text }
}

const daysAhead = (days: number) => DateTime.now().setZone('Asia/Kolkata').plus({ days })

/** The next day of this kind after today; 7 = Sunday, on which nothing is delivered. */
const aWeekday = (weekday: number) => daysAhead(((weekday - daysAhead(0).weekday + 6) % 7) + 1)

const spokenDate = (date: DateTime) => date.toFormat('dd-MM-yyyy')

for (const storage of storages) {
  describe(`TWIN on ${storage}`, () => {
    const world = sharedWorld({ storage })
    let account: TwinAccount

    before(async () => {
      account = await aTwinAccount(world())
    })
    afterEach(() => world().provider.twin24.clearRules())

    it('tells the customer, follows the message to its delivery, and pushes the decision of the dialogue', async () => {
      const message = await aTwinMessage(world(), account)
      expect(message.sent).to.have.length(1)
      const [sent] = message.sent
      expect(sent).to.deep.include({ chatId, botId, phone: message.customer.waId })
      expect(sent?.variables).to.include({ customer: 'Asha Nair', ref: sent?.callbackData })
      await untilStatus(world(), message.id, 'delivered')

      await answerAtTwin(world(), message, { call: { action: 'REATTEMPT', text: 'Please come again' } })
      const told = await timelineOf(world(), message.id)
      expect(told).to.deep.include({ state: 'accepted', status: 'delivered', messageId: sent?.id })
      expect(told.reports.map(({ status }) => status)).to.have.members(['accepted', 'delivered'])
      expect(told.replies).to.have.length(1)
      expect(told.replies[0]).to.include({ type: 'choice', value: 'Please come again' })
      expect(told.conversation).to.deep.include({ decision: 'reattempt' })
      expect(told.followUps, 'the bot answers, not we').to.deep.equal([])
      expect(await activityOf(world(), message.id)).to.deep.equal(['inqueue', 'delivered', 'Reattempt'])
      expect(decisionsOf(world(), message.customer).map(({ action }) => action)).to.deep.equal(['reattempt'])
    })

    it('takes a date that the dialogue asked for, and records what it left open', async () => {
      const message = await aTwinMessage(world(), account)
      const spoken = spokenDate(aWeekday(1))
      await answerAtTwin(world(), message, { call: { action: 'ADDRESS', text: '12 Lake Road' } })
      await answerAtTwin(world(), message, { call: { action: 'RESCHEDULE' } })
      await answerAtTwin(world(), message, { call: { action: 'TEXT', text: 'in the evening please' } })
      await answerAtTwin(world(), message, { call: { action: 'RESCHEDULE', value: spoken } })
      await answerAtTwin(world(), message, { call: { action: 'CANCEL' } })
      const answers = (await activityOf(world(), message.id)).slice(2)
      expect(answers).to.deep.equal([
        'Update address',
        'customer_reply',
        'customer_reply',
        'Select new delivery date',
        'customer_reply',
      ])
      const [decision, ...more] = decisionsOf(world(), message.customer)
      expect(decision).to.include({ action: 'reschedule', deferredDate: spoken })
      expect(more).to.deep.equal([])
      expect((await timelineOf(world(), message.id)).followUps).to.deep.equal([])
    })

    it('does not take a date on which nothing is delivered, and records what was wrong with it', async () => {
      const message = await aTwinMessage(world(), account)
      const refused = {
        [spokenDate(aWeekday(7))]: 'a day without deliveries',
        [spokenDate(daysAhead(0))]: 'sooner than 1 days ahead',
        [spokenDate(daysAhead(40))]: 'later than 14 days ahead',
      }
      for (const value of Object.keys(refused))
        await answerAtTwin(world(), message, { call: { action: 'RESCHEDULE', value } })
      const { activity } = await timelineOf(world(), message.id)
      const answers = activity.filter(({ event }) => event.eventSubType === 'customer_reply')
      const seen = answers.map(({ event: { response_data: told } }) => [told.refusedDate, told.refusedBecause])
      expect(Object.fromEntries(seen)).to.deep.equal(refused)
      expect(decisionsOf(world(), message.customer)).to.be.empty
      const value = spokenDate(aWeekday(2))
      await answerAtTwin(world(), message, { call: { action: 'RESCHEDULE', value } })
      expect(decisionsOf(world(), message.customer)[0]).to.include({ deferredDate: value })
    })

    for (const callbacks of [
      { shape: 'list' },
      { shape: 'form' },
      { shape: 'wrapped', duplicates: 3 },
      { reversed: true },
      { beforeAnswer: true, duplicates: 2 },
    ] as const) {
      it(`comes to the same end when callbacks are ${JSON.stringify(callbacks)}`, async () => {
        const message = await aTwinMessage(world(), account, { rule: { callbacks } })
        await untilStatus(world(), message.id, 'delivered')
        expect(await activityOf(world(), message.id)).to.deep.equal(['inqueue', 'delivered'])
        expect(message.sent).to.have.length(1)
      })
    }

    it('repeats a call whose token had ended, once, and sends one message', async () => {
      const before = world().provider.twin24.logins()
      const message = await aTwinMessage(world(), account, { rule: { next: 1, answer: 'expired' } })
      await untilStatus(world(), message.id, 'delivered')
      expect(message.sent).to.have.length(1)
      expect(world().provider.twin24.logins() - before).to.equal(1)
      expect((await timelineOf(world(), message.id)).attempts.map(({ outcome }) => outcome)).to.deep.equal(['accepted'])
    })

    it('takes an item that failed inside a success for what it is', async () => {
      const message = await aTwinMessage(world(), account, { rule: { answer: 'item_error' } })
      const told = await timelineOf(world(), message.id)
      expect(told).to.deep.include({ state: 'failed', status: 'failed' })
      expect(told.failure?.code).to.equal('unknown_refusal')
      expect(told.failure?.detail).to.contain('Message rejected')
      expect(message.sent).to.have.length(0)
    })

    it('sends nothing for a template that is mapped to no bot, and says so', async () => {
      const message = await aTwinMessage(world(), account, { reason: 'otp_cancellation' })
      const told = await timelineOf(world(), message.id)
      expect(told.status).to.equal('skipped')
      expect(told.failure).to.deep.include({ code: 'template_not_mapped' })
      expect(message.sent).to.have.length(0)
    })

    it('parks calls that nobody here signed, and answers them all the same', async () => {
      const actions = `${account.path}/actions`
      for (const body of ['{"ref":"v1.x.y","action":"CANCEL"}', '{"action":"DANCE"}', '{"a":1}', 'nonsense', '']) {
        expect(await post(world(), actions, body), body).to.deep.equal({ status: 200, text: '{"ok":true}' })
      }
      const forged = JSON.stringify({ id: 'm', newStatus: 'DELIVERED', callbackData: 'v1.AAAA.1.BBBB' })
      expect((await post(world(), account.path, forged)).status).to.equal(200)
      const rows = await world().rows<{ detail: string }>(
        `SELECT detail FROM rejected_events WHERE connection_id = ${account.connectionId} OR connection_id IS NULL`,
      )
      expect(rows.map(({ detail }) => detail)).to.include.members([
        'a ref that was not signed here',
        'callbackData that was not signed here',
      ])
    })

    it('knows no URL but those of connections', async () => {
      for (const path of [
        '/webhooks/twin24',
        '/webhooks/twin24/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
        `${account.path}/other`,
      ])
        expect((await post(world(), path, '{}')).status, path).to.equal(404)
      // Another provider's URL is none of this connection.
      expect((await post(world(), account.path.replace('twin24', 'meta'), '{}')).status).to.equal(404)
    })
  })
}

describe('a connection at TWIN', () => {
  it('is shown with its mappings and without its secrets, checked, and changed as a whole', () =>
    inWorld({}, async (world) => {
      const dialogueResults = { confirmation: { Отказ: 'cancel' } }
      const { connectionId } = await aTwinAccount(world, { connection: { dialogueResults } })
      const path = `/v1/connections/${connectionId}`
      const { body } = await world.call('GET', path)
      expect(body).to.deep.include({
        templates: { 'fdr_customer_unavailable.en': { chatId, botId } },
        dialogueResults,
      })
      expect(JSON.stringify(body)).not.to.contain('twin-password-0001')
      expect((body.webhook as Record<string, unknown>).verifyToken).to.equal(null)

      const templates = { 'fdr_otp_cancellation.hi': { chatId: 'c', botId: 'b' } }
      const changed = await world.call('PATCH', path, { templates })
      expect(changed.body).to.deep.include({ templates, dialogueResults })
      await settle(world)
    }))

  it('is refused with the path of what is wrong', () =>
    inWorld({}, async (world) => {
      const draft = {
        accountId: 379,
        provider: 'twin24',
        name: 'Own',
        businessPhone: '+911140007777',
        credentials: { email: 'a@example.com', password: 'p' },
      }
      const pathsOf = async (changes: object) => {
        const { status, body } = await world.call('POST', '/v1/connections?verify=false', { ...draft, ...changes })
        expect(status).to.equal(400)
        return (body.errors as { path: string }[]).map(({ path }) => path)
      }
      expect(await pathsOf({ templates: { 'x.en': { chatId: 'c' } } })).to.deep.equal(['templates.x.en.botId'])
      expect(await pathsOf({ templates: { 'x.en': { chatId: 'c', botId: 'b', colour: 'r' } } })).to.deep.equal([
        'templates.x.en.colour',
      ])
      expect(await pathsOf({ templates: { 'no language': {} } })).to.have.length(1)
      expect(await pathsOf({ dialogueResults: { a: { b: 'dance' } } })).to.have.length(1)
      expect(await pathsOf({ credentials: { email: 'nobody' } })).to.deep.equal([
        'credentials.email',
        'credentials.password',
      ])
      const meta = {
        provider: 'meta',
        credentials: { phoneNumberId: '810000000000009', wabaId: '910000000000009', accessToken: 't', appSecret: 's' },
      }
      expect(await pathsOf({ ...meta, templates: {}, dialogueResults: {} })).to.deep.equal([
        'templates',
        'dialogueResults',
      ])
    }))

  it('tells in plain words that the password is wrong and that nothing is mapped', () =>
    inWorld({}, async (world) => {
      const { status, body } = await world.call('POST', '/v1/connections', {
        accountId: 379,
        provider: 'twin24',
        name: 'Own',
        businessPhone: '+911140007777',
        credentials: { email: 'nobody@example.com', password: 'wrong-password-0001' },
      })
      expect(status).to.equal(201)
      const checks = body.checks as { name: string; ok: boolean; fix?: string }[]
      expect(checks.map(({ name, ok }) => `${name}: ${ok}`)).to.deep.equal(['login: false', 'templates: false'])
      for (const { fix } of checks) expect(fix).to.be.a('string')
      expect(JSON.stringify(body)).not.to.contain('wrong-password-0001')
    }))
})
