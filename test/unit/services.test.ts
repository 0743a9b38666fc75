import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { installDebianPackages } from '../../scripts/services/debian.ts'
import { withoutPassword } from '../../scripts/services/describe.ts'
import { hasSkipLocked } from '../../scripts/services/probe.ts'
import { freePort, spawnOwned } from '../../scripts/services/processes.ts'
import { ensureServices } from '../../scripts/services.ts'

const failureOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it succeeded',
    (error: Error) => error.message,
  )

/** A process that has ended but was not yet collected by its parent (state Z) still has a number: it does not count. */
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return !(existsSync('/proc/self') && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '))
  } catch {
    return false
  }
}

const pidIn = async (file: string): Promise<number> => {
  while (!existsSync(file) || readFileSync(file, 'utf8') === '') await sleep(20)
  return Number(readFileSync(file, 'utf8'))
}

const ownerScript = `
import { spawnOwned } from './scripts/services/processes.ts'
spawnOwned('sh', ['-c', 'echo $$ > "$0"; exec sleep 60', process.argv[1]])
console.log('owns it')
`

describe('test services', () => {
  describe('hasSkipLocked', () => {
    const versions: [string, boolean][] = [
      ['8.4.3', true],
      ['8.0.36-0ubuntu0.22.04.1', true],
      ['5.7.44', false],
      ['10.11.6-MariaDB-0+deb12u1', true],
      ['10.6.0-MariaDB', true],
      ['10.5.23-MariaDB', false],
      ['11.4.2-MariaDB', true],
    ]
    for (const [version, expected] of versions) {
      it(`${version}: ${expected}`, () => expect(hasSkipLocked(version)).to.equal(expected))
    }
  })

  it('never shows a password', () => {
    expect(withoutPassword('amqp://user:hunter2@example.com:5672/test')).to.equal(
      'amqp://user:***@example.com:5672/test',
    )
    expect(withoutPassword('hunter2')).not.to.contain('hunter2')
  })

  describe('ensureServices', () => {
    it('uses a given URL or says why it cannot; it never looks for another server behind its back', async () => {
      const port = await freePort()
      const env = { TEST_MYSQL_URL: `mysql://root:hunter2@127.0.0.1:${port}` }
      const failure = await failureOf(ensureServices(env, () => {}))
      expect(failure)
        .to.contain(`TEST_MYSQL_URL names mysql://root:***@127.0.0.1:${port}`)
        .and.to.contain('ECONNREFUSED')
    })

    it('says which ways TEST_SERVICES knows', async () => {
      const failure = await failureOf(ensureServices({ TEST_SERVICES: 'cloud' }, () => {}))
      expect(failure).to.equal('TEST_SERVICES is cloud; it can be local, docker, private or unset.')
    })
  })

  it('takes ports below those of outgoing connections, each one once', async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, freePort))
    expect(new Set(ports).size).to.equal(20)
    expect(Math.max(...ports)).to.be.lessThan(32_768)
  })

  describe('spawnOwned', () => {
    it('ends the whole group and removes its folder', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'fdr-owned-'))
      const pidFile = join(folder, 'pid')
      const server = spawnOwned('sh', ['-c', 'sleep 60 & echo $! > "$0"; wait', pidFile], { folder })
      const grandchild = await pidIn(pidFile)
      await server.stop()
      expect(server.hasExited()).to.equal(true)
      expect(isRunning(grandchild)).to.equal(false)
      expect(existsSync(folder)).to.equal(false)
    })

    it('ends it even when its owner is killed', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'fdr-owned-'))
      const pidFile = join(folder, 'pid')
      const args = ['--import', 'tsx', '--input-type=module', '-e', ownerScript, pidFile]
      const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(owner.stdout, 'data')
      const owned = await pidIn(pidFile)
      expect(isRunning(owned)).to.equal(true)
      owner.kill('SIGKILL')
      while (isRunning(owned)) await sleep(50)
      await rm(folder, { recursive: true })
    })

    it('tells of a program that does not exist', async () => {
      const missing = spawnOwned('/no/such/program', [])
      expect(await missing.exited).to.contain('ENOENT')
      await missing.stop()
    })
  })

  describe('installDebianPackages', () => {
    let folder: string
    const path = process.env.PATH

    const fakeAptGet = async (script: string) => {
      await writeFile(join(folder, 'apt-get'), `#!/bin/sh\n${script}\n`)
      await chmod(join(folder, 'apt-get'), 0o755)
    }

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fdr-apt-'))
      process.env.PATH = `${folder}${delimiter}${path}`
    })

    afterEach(async () => {
      process.env.PATH = path
      await rm(folder, { recursive: true, force: true })
    })

    it('asks nothing and shows its progress', async () => {
      await fakeAptGet('echo "Reading lists"; echo "Setting up $* ($DEBIAN_FRONTEND)"')
      const said: string[] = []
      await installDebianPackages(['mariadb-server'], (line) => said.push(line))
      expect(said.at(-1)).to.equal('  Setting up install -q -y --no-install-recommends mariadb-server (noninteractive)')
      expect(said.join()).not.to.contain('Reading lists')
    })

    it('goes on when one source of packages is broken', async () => {
      await fakeAptGet('[ "$1" = install ] || { echo "E: no such source"; exit 100; }; echo "Setting up it"')
      const said: string[] = []
      await installDebianPackages(['mariadb-server'], (line) => said.push(line))
      expect(said.at(-1)).to.equal('  Setting up it')
    })

    it('fails with what apt-get said', async () => {
      await fakeAptGet('echo "E: Unable to locate package"; exit 100')
      const failure = await failureOf(installDebianPackages(['mariadb-server'], () => {}))
      expect(failure).to.equal('apt-get install ended with 100: E: Unable to locate package')
    })
  })
})
