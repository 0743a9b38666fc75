import { expect } from 'chai'
import { request } from 'undici'
import { type App, startApp } from '../../src/app.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { readEnv } from '../../src/env.ts'
import { configDir } from '../../src/paths.ts'
import { aCustomer, eventFor } from '../support/stories.ts'
import { adminKey, startWorld, until, type World } from '../support/world.ts'

/** What is cached lives 30 s; a busy machine may be a little later to look. */
const staleMs = 30_000
const lookMs = 2_000

describe('settings of which the news is lost', function () {
  this.timeout(90_000)
  let world: World
  let other: App

  before(async () => {
    // Without a broker no replica tells another one anything.
    world = await startWorld({ storage: 'mysql' })
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
  })

  const outcomeAtOther = async () => {
    const answer = await request(`${other.url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(eventFor(aCustomer(), { reason: 'customer_unavailable' })),
    })
    return ((await answer.body.json()) as { outcome: string }).outcome
  }

  it('are old for 30 seconds at most', async () => {
    expect(await outcomeAtOther(), 'the other replica has read them').to.equal('queued')
    const changedAtMs = performance.now()
    const settings = { accountSlug: 'acme-store', isWhatsappEnabled: false }
    expect((await world.call('PUT', '/v1/accounts/379/settings', settings)).status).to.equal(200)
    expect(await outcomeAtOther(), 'nobody told it').to.equal('queued')
    await until('it reads again', async () => (await outcomeAtOther()) === 'skipped', staleMs + lookMs)
    expect(performance.now() - changedAtMs).to.be.at.most(staleMs + lookMs)
  })
})
