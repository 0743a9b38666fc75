import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createSecretBox } from '../../src/core/accounts/secret-box.ts'
import { EnvError, readEnv } from '../../src/env.ts'
import { resolveKeys, resolveSecretsKeys } from '../../src/local-keys.ts'

const givenRing = `k9:${Buffer.alloc(32, 9).toString('base64')}`

describe('keys of an installation', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fdr-keys-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const embedded = (more: Record<string, string> = {}) =>
    resolveKeys(readEnv({ DATABASE_URL: `sqlite:${join(folder, 'data', 'gateway.sqlite')}`, ...more }))
  const pathOf = (name: string) => join(folder, 'data', name)

  it('embedded: are made at the first start, and kept for the next', () => {
    const first = embedded()
    expect(first.newAdminKeyPath).to.equal(pathOf('admin-key'))
    expect(first.adminKey.length).to.be.greaterThan(30)
    expect(() => createSecretBox(first.secretsKeys)).to.not.throw()
    const second = embedded()
    expect(second).to.include({ adminKey: first.adminKey, secretsKeys: first.secretsKeys })
    expect(second).to.not.have.property('newAdminKeyPath')
  })

  it('embedded: are readable by nobody else', () => {
    embedded()
    for (const name of ['admin-key', 'secrets-keys']) expect(statSync(pathOf(name)).mode & 0o777).to.equal(0o600)
  })

  it('every installation has its own', () => {
    const one = embedded()
    rmSync(join(folder, 'data'), { recursive: true })
    expect(embedded().adminKey).to.not.equal(one.adminKey)
  })

  it('embedded: what the environment gives wins, and is not written down', () => {
    const keys = embedded({ ADMIN_API_KEY: 'given-admin-key-0001', SECRETS_KEYS: givenRing })
    expect(keys).to.deep.equal({ adminKey: 'given-admin-key-0001', secretsKeys: givenRing })
    expect([existsSync(pathOf('admin-key')), existsSync(pathOf('secrets-keys'))]).to.deep.equal([false, false])
  })

  it('embedded: keys may end with a line break, as editors leave it', () => {
    const { adminKey } = embedded()
    writeFileSync(pathOf('admin-key'), `${adminKey}\n`)
    expect(embedded().adminKey).to.equal(adminKey)
  })

  for (const name of ['admin-key', 'secrets-keys']) {
    it(`embedded: an empty ${name}, as a full disk leaves it, is no key`, () => {
      embedded()
      writeFileSync(pathOf(name), '\n')
      expect(() => embedded()).to.throw(EnvError, name)
    })
  }

  it('embedded: a ring of the wrong form is named by its place, in one sentence that does not show it', () => {
    embedded()
    writeFileSync(pathOf('secrets-keys'), 'k1:hunter2\n')
    expect(() => embedded())
      .to.throw(EnvError)
      .with.property('message')
      .that.equals(`${pathOf('secrets-keys')}: SECRETS_KEYS must be <keyId>:<base64 of 32 bytes>[,<keyId>:<base64>...]`)
  })

  it('the ring alone is enough for commands that nobody calls by HTTP', () => {
    const env = { DATABASE_URL: 'mysql://root@127.0.0.1:3306/x' }
    expect(resolveSecretsKeys(readEnv({ ...env, SECRETS_KEYS: givenRing }))).to.equal(givenRing)
    expect(() => resolveSecretsKeys(readEnv(env))).to.throw(EnvError, /^SECRETS_KEYS: is needed[^\n]*$/)
  })

  describe('with a database server', () => {
    const server = { DATABASE_URL: 'mysql://root@127.0.0.1:3306/x' }

    it('must be given, since replicas share them; both are named at once', () => {
      expect(() => resolveKeys(readEnv(server)))
        .to.throw(EnvError)
        .with.property('message')
        .that.matches(/^SECRETS_KEYS: .*\nADMIN_API_KEY: /)
    })

    it('are those of the environment', () => {
      const env = readEnv({ ...server, ADMIN_API_KEY: 'given-admin-key-0001', SECRETS_KEYS: givenRing })
      expect(resolveKeys(env)).to.deep.equal({ adminKey: 'given-admin-key-0001', secretsKeys: givenRing })
    })
  })
})
