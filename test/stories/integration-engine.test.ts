import { expect } from 'chai'
import { createEngineTurns } from '../../src/core/engine/engine-turns.ts'
import { createLogger } from '../../src/core/observe/logger.ts'
import { secretNames } from '../../src/providers/index.ts'
import { answer, resetConnection, type Script } from '../contract/scripted-server.ts'
import { simulatorAccount } from '../support/fixtures.ts'
import { engineKey, type FakeEngine, startFakeEngine } from '../support/integration-engine.ts'
import { dumpOf, storages } from '../support/stories.ts'
import { type Answer, startWorld, until, type World } from '../support/world.ts'

interface Shown {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly stateReason: string | null
  readonly managedBy: string | null
  readonly credentials: Readonly<Record<string, string>>
}

interface Status {
  readonly readAt: string | null
  readonly triedAt: string | null
  readonly problem: string | null
  readonly problems: readonly { readonly id: string | null; readonly problem: string }[]
}

const token = 'EAAengine-secret-token-0001'
const appSecret = 'engine_app_secret_0001'

const anEntry = (n: number, changes: object = {}) => ({
  id: `ie-${n}`,
  accountId: 900 + n,
  provider: 'meta',
  name: `Engine ${n}`,
  businessPhone: `+9111400080${n}0`,
  credentials: { phoneNumberId: `85000000000000${n}`, wabaId: `95000000000000${n}`, accessToken: token, appSecret },
  updatedAt: '2026-11-20T06:30:00Z',
  ...changes,
})

for (const storage of storages) {
  describe(`the integration engine, on ${storage}`, function () {
    this.timeout(60_000)
    let engine: FakeEngine
    let world: World
    const log: string[] = []

    before(async () => {
      engine = await startFakeEngine()
      engine.has([])
      const env = { INTEGRATION_ENGINE_URL: engine.url, INTEGRATION_ENGINE_KEY: engineKey }
      const stream = { write: (line: string) => void log.push(line) }
      world = await startWorld({ storage, env, log: createLogger('debug', { stream, secretNames }) })
    })
    after(async () => {
      await world?.close()
      await engine?.close()
    })

    const status = async () => (await world.call<Status>('GET', '/v1/integration-engine')).body

    /** Lets the engine be read once more; resolves with how that went: well, unless another problem is told. */
    async function refreshed(problem?: RegExp): Promise<Status> {
      const { triedAt: before } = await status()
      expect((await world.call('POST', '/v1/integration-engine/refresh')).status).to.equal(202)
      await until('it was tried', async () => (await status()).triedAt !== before)
      return until(`it went ${problem ?? 'well'}`, async () => {
        const shown = await status()
        if (problem) return problem.test(shown.problem ?? '') && shown
        return shown.problem === null && (shown.readAt ?? '') >= (shown.triedAt ?? '') && shown
      })
    }
    const told = (connections: readonly object[]) => {
      engine.has(connections)
      return refreshed()
    }
    const mirrors = async () => {
      const { body } = await world.call<{ items: Shown[] }>('GET', '/v1/connections')
      return body.items.filter(({ managedBy }) => managedBy?.startsWith('engine/'))
    }
    const mirrorOf = async (n: number) => (await mirrors()).find(({ managedBy }) => managedBy === `engine/ie-${n}`)
    const patch = async (n: number, body: object): Promise<Answer<{ detail: string }>> =>
      world.call('PATCH', `/v1/connections/${(await mirrorOf(n))?.id}`, body)

    it('has its connections mirrored, page by page, with their source and without their secrets', async () => {
      expect(await told([1, 2, 3].map((n) => anEntry(n)))).to.deep.include({ problem: null, problems: [] })
      const shown = await mirrors()
      expect(shown.map(({ name, managedBy, state }) => [name, managedBy, state])).to.deep.equal(
        [1, 2, 3].map((n) => [`Engine ${n}`, `engine/ie-${n}`, 'active']),
      )
      expect(shown[0]?.credentials.accessToken).to.match(/0001$/).and.not.equal(token)
    })

    it('is followed when it changes something, and leaves alone what it did not change', async () => {
      const before = await world.rows<{ id: number; updated_at: string }>('SELECT id, updated_at FROM wa_connections')
      await told([anEntry(1, { name: 'Renamed' }), anEntry(2), anEntry(3)])
      expect((await mirrorOf(1))?.name).to.equal('Renamed')
      const after = await world.rows<{ id: number; updated_at: string }>('SELECT id, updated_at FROM wa_connections')
      const changed = after.filter(({ id, updated_at }) =>
        before.some((row) => row.id === id && String(row.updated_at) !== String(updated_at)),
      )
      expect(changed.map(({ id }) => String(id))).to.deep.equal([(await mirrorOf(1))?.id])
    })

    it('alone may change them; an operator may pause and resume', async () => {
      for (const body of [{ name: 'Mine' }, { credentials: { accessToken: 'EAAother0001' } }, { limits: {} }]) {
        const refused = await patch(1, body)
        expect(refused.status).to.equal(409)
        expect(refused.body.detail).to.include('integration engine')
      }
      expect((await world.call('DELETE', `/v1/connections/${(await mirrorOf(1))?.id}`)).status).to.equal(409)
      expect((await patch(1, { state: 'paused' })).status).to.equal(200)
      const credentials = { ...anEntry(1).credentials, accessToken: 'EAAengine-newer-token-0002' }
      await told([anEntry(1, { credentials }), anEntry(2), anEntry(3)])
      expect(await mirrorOf(1)).to.include({ state: 'paused', stateReason: 'by hand', name: 'Engine 1' })
      expect((await patch(1, { state: 'active' })).status).to.equal(200)
      await refreshed()
      expect(await mirrorOf(1)).to.include({ state: 'active', stateReason: null })
    })

    it('lets those pause that vanish there, and go on when they come back', async () => {
      const gone = { state: 'paused', stateReason: 'it is not at the integration engine any more' }
      await told([anEntry(1), anEntry(3)])
      expect(await mirrorOf(2)).to.include(gone)
      await told([anEntry(1), anEntry(2), anEntry(3)])
      expect(await mirrorOf(2)).to.include({ state: 'active', stateReason: null })
    })

    it('is told apart from one that does not answer: nothing changes, and the reason is shown', async () => {
      const before = await mirrors()
      const failures: [script: Script, problem: RegExp][] = [
        [answer(500, {}), /answers 500/],
        [answer(401, {}), /refuses our key/],
        [answer(200, 'nonsense'), /something else than a page/],
        [answer(200, { connections: 'none' }), /something else than a page/],
        [answer(200, { connections: [] }), /no connection at all/],
        [answer(200, { connections: [], next: 'again' }), /more than 20000/],
        [resetConnection, /does not answer/],
      ]
      for (const [script, problem] of failures) {
        engine.play(script)
        await refreshed(problem)
        expect(await mirrors()).to.deep.equal(before)
      }
      expect((await told([1, 2, 3].map((n) => anEntry(n)))).problem).to.equal(null)
    })

    it('has a sentence for each connection that cannot be mirrored, and the others go on', async () => {
      const { problems } = await told([
        anEntry(1, { businessPhone: 'none' }),
        anEntry(2, { accountId: 999 }),
        anEntry(3, { credentials: { phoneNumberId: '850000000000003', secret: 'a-stray-secret-0001' } }),
        anEntry(4),
        anEntry(4),
        anEntry(5, { provider: 'unheard' }),
        anEntry(6, { credentials: simulatorAccount.credentials }),
        17 as never,
      ])
      expect(problems.map(({ id }) => id)).to.deep.equal(['ie-1', 'ie-2', 'ie-3', 'ie-4', 'ie-5', 'ie-6', null])
      const sentences = problems.map(({ problem }) => problem)
      expect(sentences[0]).to.include('businessPhone')
      expect(sentences[1]).to.include('another account')
      expect(sentences[2]).to.include('credentials.secret').and.to.include('is missing')
      expect(sentences[3]).to.include('twice')
      expect(sentences[5]).to.include('has the sender')
      const states = await Promise.all([1, 2, 3, 4].map(async (n) => (await mirrorOf(n))?.state))
      expect(states, 'what was mirrored stays').to.deep.equal(['active', 'active', 'active', 'active'])
    })

    it('leaves its secrets nowhere', async () => {
      const places = { log: log.join('\n'), database: await dumpOf(world), status: JSON.stringify(await status()) }
      for (const [place, text] of Object.entries(places))
        for (const secret of [token, appSecret, engineKey, 'EAAengine-newer-token-0002', 'a-stray-secret-0001'])
          expect(text.includes(secret), `${secret} in the ${place}`).to.equal(false)
    })

    it('is read by one of many replicas, once in a minute', async () => {
      let time = new Date(Date.now() + 600_000)
      const replicas = Array.from({ length: 5 }, () => createEngineTurns(world.database, () => time))
      const taken = async () => (await Promise.all(replicas.map((turns) => turns.take()))).filter(Boolean).length
      expect(await taken()).to.equal(1)
      expect(await taken()).to.equal(0)
      time = new Date(time.getTime() + 60_000)
      expect(await taken()).to.equal(1)
    })
  })
}
