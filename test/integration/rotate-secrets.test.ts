import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { newKeys, toColumns } from '../../src/core/accounts/connection-rows.ts'
import { createConnectionStore } from '../../src/core/accounts/connections.ts'
import { createSecretBox } from '../../src/core/accounts/secret-box.ts'
import { insertRows } from '../../src/core/storage/rows.ts'
import { providers } from '../../src/providers/index.ts'
import { scaled } from '../support/scale.ts'
import { startWorld, type World } from '../support/world.ts'

const keyOf = (byte: number) => Buffer.alloc(32, byte).toString('base64')
const oldKey = `old:${keyOf(1)}`
const ring = `new:${keyOf(2)},${oldKey}`

const connections = scaled(1_500, 5_000)
const kills = scaled(4, 10)
/** Each run is killed when it has sealed so many anew: together they have not done half of it. */
const killAtSealed = Math.floor(connections / kills / 2)
const source = fileURLToPath(new URL('../../src/rotate-secrets.ts', import.meta.url))
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const built = process.env.TEST_GATEWAY_MAIN
/** The built command where the run has one, as in production. */
const commandArgs = built ? [join(dirname(built), 'rotate-secrets.js')] : ['--import', loader, source]

const providerById = (id: string) => providers.find((provider) => provider.id === id)

const tokenOf = (n: number) => `EAArotatedtoken${String(n).padStart(5, '0')}`

/** Connections as an older key sealed them. */
async function fill({ database }: World): Promise<void> {
  const deps = { secrets: createSecretBox(oldKey), providerById }
  const rows = Array.from({ length: connections }, (_, n) => {
    const draft = {
      accountId: 10_000 + n,
      provider: 'meta',
      name: `Connection ${n}`,
      businessPhone: '+911140001234',
      credentials: {
        phoneNumberId: String(870_000_000_000_000 + n),
        wabaId: '970000000000001',
        accessToken: tokenOf(n),
        appSecret: `rotated_app_secret_${n}`,
      },
    }
    const webhookKey = `rotated-${String(n).padStart(24, '0')}`
    return { ...toColumns(draft, webhookKey, deps), ...newKeys(draft, webhookKey, new Date()) }
  })
  await insertRows(database, 'wa_connections', rows)
}

interface Run {
  /** Connections that it said it had sealed anew when it ended. */
  readonly rotated: number
  readonly code: number | null
}

/** Runs the command; kills it once it has sealed so many. */
function run(env: Readonly<Record<string, string>>, killAt = Number.POSITIVE_INFINITY): Promise<Run> {
  const child: ChildProcess = spawn(process.execPath, commandArgs, {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let rotated = 0
  if (child.stdout)
    createInterface(child.stdout).on('line', (line) => {
      rotated = Number(/^sealed anew: (\d+)$/.exec(line)?.[1] ?? rotated)
      if (rotated >= killAt) child.kill('SIGKILL')
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ rotated, code })))
}

describe('rotation of secrets', function () {
  this.timeout(180_000)
  let world: World

  before(async () => {
    world = await startWorld({ storage: 'mysql', env: { SECRETS_KEYS: ring } })
    await fill(world)
  })
  after(() => world?.close())

  const underOldKey = async () =>
    (await world.rows("SELECT id FROM wa_connections WHERE credentials LIKE '%v1:old:%'")).length

  it(`seals ${connections} connections anew, killed ${kills} times, beside a gateway that changes some`, async () => {
    const env = { DATABASE_URL: world.env.DATABASE_URL ?? '', SECRETS_KEYS: ring }
    expect(await underOldKey()).to.equal(connections)
    let isOver = false
    let changes = 0
    const changing = (async () => {
      for (let n = 0; !isOver; n = (n + 37) % connections, changes++) {
        const [row] = await world.rows<{ id: number }>(`SELECT id FROM wa_connections WHERE account_id = ${10_000 + n}`)
        const path = `/v1/connections/${row?.id}?verify=false`
        const { status } = await world.call('PATCH', path, { credentials: { accessToken: tokenOf(n) } })
        expect(status).to.equal(200)
      }
    })()
    const left: number[] = []
    for (let times = 0; times < kills; times++) {
      const { code } = await run(env, killAtSealed)
      expect(code, 'killed on the way').to.equal(null)
      left.push(await underOldKey())
    }
    expect(left, 'each run went on where the one before was killed').to.deep.equal([...left].sort((a, b) => b - a))
    expect(left.at(-1)).to.be.within(1, connections - kills * killAtSealed)
    const last = await run(env)
    isOver = true
    await changing
    expect(last.code).to.equal(0)
    expect(await underOldKey()).to.equal(0)
    console.log(`      left after each kill: ${left.join(', ')}; ${changes} changes by the gateway meanwhile`)
  })

  it('leaves every secret readable with the new key alone', async () => {
    const secrets = createSecretBox(ring.split(',')[0] ?? '')
    const store = createConnectionStore({ database: world.database, secrets, providerById, now: () => new Date() })
    const found = (await store.list()).filter(({ accountId }) => accountId >= 10_000)
    expect(found).to.have.length(connections)
    for (const { accountId, credentials } of found) {
      expect(credentials.accessToken).to.equal(tokenOf(accountId - 10_000))
      expect(credentials.appSecret).to.equal(`rotated_app_secret_${accountId - 10_000}`)
    }
  })

  it('says in one sentence what is wrong with the keys, and changes nothing', async () => {
    const before = await world.rows('SELECT credentials FROM wa_connections WHERE id < 50')
    for (const SECRETS_KEYS of ['', 'new:tooshort', `new:${keyOf(2)},new:${keyOf(3)}`]) {
      const { code } = await run({ DATABASE_URL: world.env.DATABASE_URL ?? '', SECRETS_KEYS })
      expect(code, SECRETS_KEYS).to.equal(1)
    }
    expect(await world.rows('SELECT credentials FROM wa_connections WHERE id < 50')).to.deep.equal(before)
  })
})
