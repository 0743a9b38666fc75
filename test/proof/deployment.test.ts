import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { freePort } from '../../scripts/services/processes.ts'
import { newKeyRing } from '../../src/core/accounts/secret-box.ts'
import { openDatabase } from '../../src/core/storage/database.ts'
import { createSimulator, type Simulator } from '../../src/providers/simulator/simulator.ts'
import { simulatorAccount } from '../support/fixtures.ts'
import { patienceMs } from '../support/scale.ts'
import { aCustomer, eventFor } from '../support/stories.ts'
import { adminKey, callApi, createStorage, until } from '../support/world.ts'

const run = promisify(execFile)
const dockerfile = readFileSync('Dockerfile', 'utf8')
/** The image's own words. */
const lineOf = (pattern: RegExp): string => pattern.exec(dockerfile)?.[1] ?? ''
const installing = lineOf(/AS packages\n(?:.*\n)*?RUN npm (ci .*)$/m).split(' ')
const starting = JSON.parse(lineOf(/^CMD (.*)$/m)) as string[]
const askingForHealth = JSON.parse(lineOf(/^HEALTHCHECK [^[]*CMD (.*)$/m)) as string[]
const copied = lineOf(/^COPY (package\.json LICENSE) /m).split(' ')
const [uid = ''] = lineOf(/^USER (.*)$/m).split(':')

/** Only root may become somebody else; whoever else runs the tests is not root already. */
const isRoot = process.getuid?.() === 0
const asNobody = (command: readonly string[]): string[] =>
  isRoot ? ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...command] : [...command]

describe('the image, put together by hand', function () {
  this.timeout(patienceMs * 3)
  let folder: string
  let drop: () => Promise<void>
  let env: Record<string, string>
  let provider: Simulator
  let gateway: ChildProcess | undefined
  let output = ''

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fdr-image-'))
    chmodSync(folder, 0o755)
    const built = dirname(resolve(process.env.TEST_GATEWAY_MAIN ?? 'dist/main.js'))
    for (const name of ['package-lock.json', '.npmrc', 'config', ...copied])
      cpSync(name, join(folder, name), { recursive: true })
    cpSync(built, join(folder, 'dist'), { recursive: true })
    await run('npm', [...installing, '--prefer-offline'], { cwd: folder })
    mkdirSync(join(folder, 'data'))
    await run('chmod', ['-R', 'a-w,a+rX', folder])
    const storage = await createStorage('mysql')
    drop = storage.drop
    provider = await createSimulator({ statusDelaysMs: { sent: 1, delivered: 1, read: 1 } }).start()
    const { credentials } = simulatorAccount
    env = {
      NODE_ENV: 'production',
      DATABASE_URL: storage.url,
      PORT: String(await freePort()),
      SECRETS_KEYS: newKeyRing(),
      ADMIN_API_KEY: adminKey,
      META_BASE_URL: provider.url,
      WHATSAPP_ACCESS_TOKEN: credentials.accessToken,
      WHATSAPP_PHONE_NUMBER_ID: credentials.phoneNumberId,
      WHATSAPP_BUSINESS_ACCOUNT_ID: credentials.wabaId,
      WHATSAPP_APP_SECRET: credentials.appSecret,
      WHATSAPP_BUSINESS_PHONE: '+911140001234',
      WHATSAPP_WEBHOOK_VERIFY_TOKEN: 'test-verify-token',
    }
    provider.addAccount({
      ...simulatorAccount.account,
      strictTemplates: false,
      webhookUrl: `http://127.0.0.1:${env.PORT}/webhooks/meta`,
      verifyToken: 'test-verify-token',
    })
  })
  after(async () => {
    if (gateway?.exitCode === null) gateway.kill('SIGKILL')
    await provider?.close()
    await drop?.()
    await run('chmod', ['-R', 'u+w', folder])
    rmSync(folder, { recursive: true, force: true })
  })

  /** Runs to its end as the image's user, with nothing but the given environment. */
  const inImage = (command: readonly string[]) => {
    const [program = '', ...args] = asNobody(command)
    return run(program, args, { cwd: folder, env: { PATH: process.env.PATH ?? '', ...env } })
  }

  const call = (method: 'GET' | 'POST' | 'PUT', path: string, body?: object) =>
    callApi<Record<string, unknown>>(`http://127.0.0.1:${env.PORT}`, method, path, body)

  it('has what is needed to run, and nothing to build or test with', () => {
    const packages = readdirSync(join(folder, 'node_modules'))
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, object>
    for (const name of Object.keys(dependencies ?? {}))
      expect(existsSync(join(folder, 'node_modules', name)), name).to.equal(true)
    for (const name of Object.keys(devDependencies ?? {}).filter((each) => !each.startsWith('@')))
      expect(packages, name).to.not.include(name)
    expect(existsSync(join(folder, 'src'))).to.equal(false)
  })

  it('cannot be written to by who runs it', async () => {
    const script = "require('fs').writeFileSync('dist/main.js', '')"
    const refusal = await inImage(['node', '-e', script]).catch((error: { stderr: string }) => error.stderr)
    expect(refusal).to.match(/EACCES|EROFS/)
  })

  it('migrates as a job, once, however many do so at the same moment', async () => {
    const job = ['node', 'dist/migrate.js']
    const outputs = (await Promise.all([inImage(job), inImage(job), inImage(job)])).map(({ stdout }) => stdout.trim())
    expect(outputs.filter((text) => text.startsWith('applied: 001-first-tables'))).to.have.length(1)
    expect(outputs.filter((text) => text === 'nothing to do')).to.have.length(2)
  })

  it('starts and says that it is ready', async () => {
    const [program = '', ...args] = asNobody(starting)
    const child = spawn(program, args, { cwd: folder, env: { PATH: process.env.PATH ?? '', ...env } })
    gateway = child
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    const isReady = () =>
      call('GET', '/health/ready').then(
        ({ status }) => status === 200,
        () => false,
      )
    await until(
      'it is ready',
      () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${output}`)
        return isReady()
      },
      patienceMs,
    )
    if (isRoot) expect(readFileSync(`/proc/${child.pid}/status`, 'utf8')).to.match(new RegExp(`^Uid:\\t${uid}\\t`, 'm'))
    await inImage(askingForHealth)
  })

  it('tells a customer by the simulator, and hears that they read it', async () => {
    await call('PUT', '/v1/accounts/379/settings', { accountSlug: 'acme-store', isWhatsappEnabled: true })
    const customer = aCustomer()
    const { status, body } = await call('POST', '/v1/events', eventFor(customer, { reason: 'customer_unavailable' }))
    expect(status, JSON.stringify(body)).to.equal(202)
    const { id } = body.message as { id: string }
    await until('it is read', async () => (await call('GET', `/v1/messages/${id}`)).body.status === 'read', patienceMs)
    expect(provider.accepted().map(({ to }) => to)).to.deep.equal([customer.waId])
  })

  it('may be migrated while it runs: whoever comes next finds nothing to do', async () => {
    expect((await inImage(['node', 'dist/migrate.js'])).stdout.trim()).to.equal('nothing to do')
    const database = openDatabase({ url: env.DATABASE_URL ?? '' })
    const rows = await database.select('SELECT id FROM wa_outgoing_messages')
    await database.close()
    expect(rows).to.have.length(1)
    expect((await call('GET', '/health/ready')).status).to.equal(200)
  })

  it('stops in order, and is asked in vain for its health afterwards', async () => {
    const child = gateway
    const ended = new Promise((done) => child?.once('exit', done))
    child?.kill('SIGTERM')
    expect(await ended, output).to.equal(0)
    const refused = await inImage(askingForHealth).then(
      () => 0,
      ({ code }: { code: number }) => code,
    )
    expect(refused).to.equal(1)
  })
})
