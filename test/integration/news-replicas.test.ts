import { expect } from 'chai'
import { type App, startApp } from '../../src/app.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { readEnv } from '../../src/env.ts'
import { configDir } from '../../src/paths.ts'
import { openBroker, type TestBroker } from '../support/broker.ts'
import { simulatorAccount } from '../support/fixtures.ts'
import { aCustomer, eventFor, postWebhook } from '../support/stories.ts'
import { adminKey, callApi, startWorld, until, type World } from '../support/world.ts'

/** What is cached lives 30 s: only who was told knows sooner. */
const soonMs = 5_000

describe('news of a provider, with two replicas', function () {
  this.timeout(60_000)
  let broker: TestBroker
  let world: World
  let other: App

  before(async () => {
    broker = await openBroker()
    world = await startWorld({ storage: 'mysql', env: { AMQP_URL: broker.url } })
    other = await startApp({
      env: readEnv({ ...world.env, ROLES: 'http' }),
      log: createLogger('silent'),
      configDir,
      secretsKeys: world.env.SECRETS_KEYS ?? '',
      adminKey,
    })
  })
  after(async () => {
    await other?.stop()
    await world?.close()
    await broker?.close()
  })

  const callOther = async (method: 'GET' | 'POST', path: string, body?: object) => {
    const answer = await callApi<Record<string, unknown>>(other.url, method, path, body)
    return answer.body
  }
  const outcomeAtOther = async () =>
    (await callOther('POST', '/v1/events', eventFor(aCustomer(), { reason: 'customer_unavailable' }))).outcome
  const stateAtOther = async () => (await callOther('GET', '/v1/connections/1')).state

  let time = Math.floor(Date.now() / 1000)
  const tell = async (field: string, value: object) => {
    const entry = { id: simulatorAccount.credentials.wabaId, time: time++, changes: [{ field, value }] }
    const { status } = await postWebhook(world, { object: 'whatsapp_business_account', entry: [entry] })
    expect(status).to.equal(200)
  }
  const template = (event: string) =>
    tell('message_template_status_update', {
      event,
      message_template_name: 'fdr_customer_unavailable',
      message_template_language: 'en',
    })
  const ban = (waba_ban_state: string) =>
    tell('account_update', { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state } })

  it('a template is not used any more by either, and then it is again', async () => {
    expect(await outcomeAtOther(), 'the other replica knows the template').to.equal('queued')
    await template('PAUSED')
    await until('the other replica skips', async () => (await outcomeAtOther()) === 'skipped', soonMs)
    await template('APPROVED')
    await until('the other replica sends', async () => (await outcomeAtOther()) === 'queued', soonMs)
  })

  it('a ban stops both, and its end lets both go on', async () => {
    expect(await stateAtOther()).to.equal('active')
    await ban('DISABLE')
    await until('the other replica knows the ban', async () => (await stateAtOther()) === 'paused', soonMs)
    await ban('REINSTATE')
    await until('the other replica knows its end', async () => (await stateAtOther()) === 'active', soonMs)
  })
})
