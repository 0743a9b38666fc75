import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'

/** A clone in miniature: the real bootstrap, and stand-ins for npm, tsx and the compiler that say that they ran. */
const lockfile = (version: string) =>
  JSON.stringify({
    packages: {
      '': { version: '0.1.0' },
      'node_modules/tsx': { version },
      'node_modules/for-another-system': { version: '1.0.0', optional: true },
    },
  })

const fakeNpm = (exitCode: number) => `
const { mkdirSync, writeFileSync, copyFileSync } = require('node:fs')
console.log('npm ' + process.argv.slice(2).join(' '))
if (${exitCode}) process.exit(${exitCode})
mkdirSync('node_modules/tsx', { recursive: true })
writeFileSync('node_modules/tsx/package.json', '{ "exports": "./index.mjs" }')
writeFileSync('node_modules/tsx/index.mjs', '')
copyFileSync('package-lock.json', 'node_modules/.package-lock.json')
`

const fakeCompiler = `
const { mkdirSync, writeFileSync } = require('node:fs')
console.log('tsc ' + process.argv.slice(2).join(' '))
const folder = process.argv[process.argv.indexOf('--outDir') + 1]
mkdirSync(folder, { recursive: true })
writeFileSync(folder + '/main.js', 'console.log("gateway runs")')
`

describe('bootstrap', () => {
  let folder: string

  const write = async (path: string, content: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }

  const begin = (...args: string[]) => beginWith({}, ...args)

  const beginWith = (env: NodeJS.ProcessEnv, ...args: string[]): ChildProcess =>
    spawn(process.execPath, ['scripts/bootstrap.mjs', ...args], {
      cwd: folder,
      env: { ...process.env, npm_execpath: join(folder, 'npm-cli.js'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fdr-bootstrap-'))
    await mkdir(join(folder, 'scripts'))
    await cp('scripts/bootstrap.mjs', join(folder, 'scripts/bootstrap.mjs'))
    await write('package.json', '{ "type": "commonjs" }')
    await write('package-lock.json', lockfile('1.0.0'))
    await write('npm-cli.js', fakeNpm(0))
    await write('hello.mjs', 'console.log("hello", ...process.argv.slice(2))')
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  describe('run', () => {
    it('installs on a fresh clone, without install scripts, and then runs the file with its arguments', async () => {
      const { output, code } = await resultOf(begin('run', 'hello.mjs', '--once', 'x'))
      expect(output).to.match(/^Installing dependencies/)
      expect(output).to.match(/npm ci --ignore-scripts.*\nhello --once x\n$/s)
      expect(code).to.equal(0)
    })

    it('installs once', async () => {
      await resultOf(begin('run', 'hello.mjs'))
      const { output } = await resultOf(begin('run', 'hello.mjs'))
      expect(output).to.equal('hello\n')
    })

    it('installs again when package-lock.json names another version', async () => {
      await resultOf(begin('run', 'hello.mjs'))
      await write('package-lock.json', lockfile('1.0.1'))
      const { output } = await resultOf(begin('run', 'hello.mjs'))
      expect(output).to.contain('npm ci')
    })

    it('says what to do when the installation fails, and does not run the file', async () => {
      await write('npm-cli.js', fakeNpm(7))
      const { output, code } = await resultOf(begin('run', 'hello.mjs'))
      expect(output).to.contain('npm ci ended with 7').and.to.contain('npm ping').and.not.to.contain('hello')
      expect(code).to.equal(1)
    })

    it('passes the exit code through', async () => {
      await write('fails.mjs', 'process.exit(42)')
      const { code } = await resultOf(begin('run', 'fails.mjs'))
      expect(code).to.equal(42)
    })

    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      it(`passes ${signal} on and waits for the orderly end`, async () => {
        await write('waits.mjs', waitsFor(signal))
        const child = begin('run', 'waits.mjs')
        const result = resultOf(child)
        await untilPrints(child, 'ready')
        child.kill(signal)
        const { output, code } = await result
        expect(output).to.contain(`ended in order by ${signal}`)
        expect(code).to.equal(3)
      })
    }
  })

  it('ends in order when the shell that npm put in between is gone', async () => {
    await write('waits.mjs', waitsFor('SIGTERM'))
    const shell = spawn('sh', ['-c', 'node scripts/bootstrap.mjs run waits.mjs; true'], {
      cwd: folder,
      env: { ...process.env, npm_execpath: join(folder, 'npm-cli.js'), npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const result = resultOf(shell)
    await untilPrints(shell, 'ready')
    shell.kill('SIGTERM')
    expect((await result).output).to.contain('ended in order by SIGTERM')
  })

  it('names the Node.js version that it needs', async () => {
    await write('old-node.cjs', 'Object.defineProperty(process, "versions", { value: { node: "18.20.4" } })')
    const old = { NODE_OPTIONS: `--require ${join(folder, 'old-node.cjs')}` }
    const { output, code } = await resultOf(beginWith(old, 'run', 'hello.mjs'))
    expect(output).to.contain('needs Node.js 20.19 or newer, and this is 18.20.4')
    expect(code).to.equal(1)
  })

  it('refuses an unknown command', async () => {
    const { output, code } = await resultOf(begin('toString'))
    expect(output).to.contain('Usage')
    expect(code).to.equal(2)
  })

  describe('start', () => {
    beforeEach(async () => {
      await write('src/main.ts', '')
      await write('src/http/console/assets/style.css', 'body {}')
      await write('node_modules/typescript/bin/tsc', fakeCompiler)
    })

    it('builds dist/ with what is not TypeScript, then runs it', async () => {
      const { output } = await resultOf(begin('start'))
      expect(output).to.match(/tsc -p tsconfig\.build\.json .*\ngateway runs\n$/)
      expect(await readFile(join(folder, 'dist/http/console/assets/style.css'), 'utf8')).to.equal('body {}')
    })

    it('does not build what is built', async () => {
      await resultOf(begin('start'))
      const { output } = await resultOf(begin('start'))
      expect(output).to.equal('gateway runs\n')
    })

    it('builds again when a source file is newer', async () => {
      await resultOf(begin('start'))
      const later = new Date(Date.now() + 10_000)
      await utimes(join(folder, 'src/http/console/assets/style.css'), later, later)
      const { output } = await resultOf(begin('start'))
      expect(output).to.contain('Building')
    })

    it('leaves no half-built dist/ behind', async () => {
      await write('node_modules/typescript/bin/tsc', `${fakeCompiler}\nprocess.exit(2)`)
      const first = await resultOf(begin('start'))
      const second = await resultOf(begin('start'))
      expect([first.code, second.code]).to.deep.equal([2, 2])
      expect(second.output).not.to.contain('gateway runs')
    })

    it('builds again after a build that was killed while it wrote', async () => {
      await write('node_modules/typescript/bin/tsc', `${fakeCompiler}\nprocess.kill(process.ppid, 'SIGKILL')`)
      await resultOf(begin('start'))
      await write('node_modules/typescript/bin/tsc', fakeCompiler)
      const { output } = await resultOf(begin('start'))
      expect(output).to.match(/^Building.*gateway runs\n$/s)
    })

    it('just runs in an image, where there is no src/', async () => {
      await rm(join(folder, 'src'), { recursive: true })
      await write('dist/main.js', 'console.log("image runs")')
      const { output } = await resultOf(begin('start'))
      expect(output).to.equal('image runs\n')
    })
  })
})

const waitsFor = (signal: string) => `
process.on('${signal}', () => setTimeout(() => { console.log('ended in order by ${signal}'); process.exit(3) }, 50))
setInterval(() => {}, 1000)
console.log('ready')
`

const resultOf = async (child: ChildProcess): Promise<{ output: string; code: number | null }> => {
  let output = ''
  const read = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout?.on('data', read)
  child.stderr?.on('data', read)
  const [code]: (number | null)[] = await once(child, 'close')
  return { output, code: code ?? null }
}

const untilPrints = (child: ChildProcess, text: string): Promise<void> =>
  new Promise((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => chunk.includes(text) && resolve())
  })
