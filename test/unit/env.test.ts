import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { EnvError, envTable, loadDotEnv, readEnv, settings } from '../../src/env.ts'

const problemsOf = (source: Record<string, string>): string[] => {
  try {
    readEnv(source)
    return []
  } catch (error) {
    expect(error).to.be.instanceOf(EnvError)
    return (error as Error).message.split('\n')
  }
}

const ring = (byte: number) => Buffer.alloc(32, byte).toString('base64')

const whatsapp = {
  WHATSAPP_ACCESS_TOKEN: 'EAAtoken',
  WHATSAPP_PHONE_NUMBER_ID: '810000000000001',
  WHATSAPP_BUSINESS_ACCOUNT_ID: '910000000000001',
  WHATSAPP_APP_SECRET: 'secret',
}

describe('environment', () => {
  it('needs nothing', () => {
    const env = readEnv({})
    expect(env.AMQP_URL).to.equal(undefined)
    expect(env).to.deep.include({
      DATABASE_URL: 'sqlite:./data/gateway.sqlite',
      PORT: 8080,
      ROLES: ['http', 'consumers'],
      LOG_LEVEL: 'info',
      META_BASE_URL: 'https://graph.facebook.com',
      META_API_VERSION: 'v24.0',
      ENABLE_WHATSAPP_NOTIFICATIONS: true,
    })
  })

  it('takes an empty text for absent, as compose files give it', () => {
    const empty = Object.fromEntries(Object.keys(settings).map((name) => [name, '']))
    expect(readEnv(empty)).to.deep.equal(readEnv({}))
  })

  it('ignores what is not its own', () => {
    expect(readEnv({ PATH: '/bin', HOME: '/root', PORTS: 'x' })).to.deep.equal(readEnv({}))
  })

  it('reads each variable in its runtime form', () => {
    const env = readEnv({
      PORT: '9000',
      ROLES: ' consumers , http',
      PUBLIC_URL: 'https://gateway.example.com/',
      ENABLE_WHATSAPP_NOTIFICATIONS: '0',
      AMQP_URL: 'amqps://user:pass@mq.example.com/vhost',
      DATABASE_URL: 'mysql://user:pass@db.example.com:3306/gateway',
      ...whatsapp,
    })
    expect(env).to.deep.include({
      PORT: 9000,
      ROLES: ['consumers', 'http'],
      PUBLIC_URL: 'https://gateway.example.com',
      ENABLE_WHATSAPP_NOTIFICATIONS: false,
      ...whatsapp,
    })
  })

  it('cannot be changed afterwards', () => {
    const env = readEnv({})
    expect(() => Object.assign(env, { PORT: 1 })).to.throw(TypeError)
  })

  const mistakes: [name: string, value: string][] = [
    ['DATABASE_URL', 'postgres://localhost/x'],
    ['AMQP_URL', 'http://localhost'],
    ['PORT', 'eighty'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PUBLIC_URL', 'gateway.example.com'],
    ['PUBLIC_URL', 'ftp://gateway.example.com'],
    ['ROLES', 'http,cron'],
    ['ADMIN_API_KEY', 'short'],
    ['SECRETS_KEYS', 'k1'],
    ['SECRETS_KEYS', `k1:${Buffer.alloc(16).toString('base64')}`],
    ['SECRETS_KEYS', `k1:${Buffer.alloc(33).toString('base64')}`],
    ['SECRETS_KEYS', `k1:${ring(1)},k1:${ring(2)}`],
    ['CLIENT_REQUESTS_PER_SECOND', '0'],
    ['RETENTION_DAYS', '0'],
    ['RETENTION_DAYS', '30.5'],
    ['METADATA_RETENTION_DAYS', 'ever'],
    ['DRAIN_SECONDS', '31'],
    ['LOG_LEVEL', 'verbose'],
    ['META_BASE_URL', 'graph'],
    ['META_API_VERSION', '24'],
    ['NDR_API_URL', 'nowhere'],
    ['PORTAL_URL', 'nowhere'],
    ['ENABLE_WHATSAPP_NOTIFICATIONS', 'yes'],
  ]
  for (const [name, value] of mistakes) {
    it(`refuses ${name}=${value}`, () => {
      const problems = problemsOf({ [name]: value })
      expect(problems).to.have.length(1)
      expect(problems[0]).to.match(new RegExp(`^${name}`))
    })
  }

  it('names every problem at once, a line each', () => {
    const problems = problemsOf({ ...Object.fromEntries(mistakes), WHATSAPP_ACCESS_TOKEN: 'EAAtoken' })
    const names = problems.map((line) => line.split(/[:.]/)[0])
    expect(names).to.include.members([
      ...new Set(mistakes.map(([name]) => name)),
      'WHATSAPP_PHONE_NUMBER_ID',
      'WHATSAPP_BUSINESS_ACCOUNT_ID',
      'WHATSAPP_APP_SECRET',
    ])
  })

  it('refuses to delete what is not cleared yet', () => {
    expect(problemsOf({ RETENTION_DAYS: '60', METADATA_RETENTION_DAYS: '59' })).to.have.length(1)
    expect(problemsOf({ RETENTION_DAYS: '60', METADATA_RETENTION_DAYS: '60' })).to.deep.equal([])
  })

  it('shows no value in what it says: it may be a secret', () => {
    expect(problemsOf({ ADMIN_API_KEY: 'hunter2', DATABASE_URL: 'hunter2' }).join()).to.not.contain('hunter2')
  })

  describe('the platform’s own connection', () => {
    it('is described whole or not at all', () => {
      expect(problemsOf(whatsapp)).to.deep.equal([])
      for (const name of Object.keys(whatsapp)) {
        const problems = problemsOf({ ...whatsapp, [name]: '' })
        expect(problems).to.have.length(1)
        expect(problems[0]).to.match(new RegExp(`^${name}: is missing`))
      }
    })
  })

  describe('.env', () => {
    let folder: string
    const names = ['FDR_TEST_NEW', 'FDR_TEST_SET']

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'fdr-env-'))
      process.env.FDR_TEST_SET = 'already'
    })
    afterEach(() => {
      rmSync(folder, { recursive: true })
      for (const name of names) delete process.env[name]
    })
    const loadFrom = () => loadDotEnv((path) => process.loadEnvFile(join(folder, path)))

    it('is read; what is set already wins', () => {
      writeFileSync(join(folder, '.env'), 'FDR_TEST_NEW=new\nFDR_TEST_SET=other\n')
      loadFrom()
      expect([process.env.FDR_TEST_NEW, process.env.FDR_TEST_SET]).to.deep.equal(['new', 'already'])
    })

    it('may be absent', () => expect(loadFrom).to.not.throw())

    it('is named when it cannot be read', () => {
      const denied = Object.assign(new Error('EACCES: .env'), { code: 'EACCES' })
      expect(() =>
        loadDotEnv(() => {
          throw denied
        }),
      ).to.throw('EACCES')
    })
  })

  it('the table of the documentation has a line for every variable', () => {
    const lines = envTable().split('\n')
    for (const name of Object.keys(settings))
      expect(lines.filter((line) => line.startsWith(`| \`${name}\` |`))).to.have.length(1)
    expect(envTable()).to.contain('| `PORT` | `8080` |')
  })
})
