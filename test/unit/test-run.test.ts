import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { planTests } from '../../scripts/test/plan.ts'
import { type GroupResult, readProgress, resultOf } from '../../scripts/test/progress.ts'
import { exitCodeOf, summaryOf } from '../../scripts/test/summary.ts'

describe('test command', () => {
  describe('planTests', () => {
    const unit = ['test/unit/a.test.ts', 'test/unit/deep/b.test.ts']
    const files = ['test/d.test.ts', 'test/stories/c.test.ts', ...unit]
    const names = (args: string[]) => planTests(args, files).groups.map((group) => group.name)

    it('runs everything, one group for each folder, the quick ones first', () => {
      expect(names([])).to.deep.equal(['unit', 'test', 'stories'])
      expect(planTests([], files).partial).to.equal(false)
    })

    it('runs each proof in a process of its own, with built gateways', () => {
      const { groups } = planTests([], ['test/proof/a.test.ts', 'test/proof/b.test.ts', ...unit])
      expect(groups.map(({ name }) => name)).to.deep.equal(['unit', 'proof/a', 'proof/b'])
      expect(groups.map(({ needsBuild }) => needsBuild)).to.deep.equal([false, true, true])
    })

    it('builds the gateway for tests that watch one by Prometheus', () => {
      const [group] = planTests([], ['test/prometheus/a.test.ts']).groups
      expect(group).to.include({ name: 'prometheus', needsBuild: true, needsServices: true })
    })

    it('brings up services only for tests that need them', () => {
      const needing = planTests([], files).groups.filter((group) => group.needsServices)
      expect(needing.map((group) => group.name)).to.deep.equal(['test', 'stories'])
    })

    it('chooses by path and gives mocha the rest', () => {
      const plan = planTests(['./test/unit/', '--grep', 'x'], files)
      expect(plan.groups.flatMap((group) => group.files)).to.deep.equal(unit)
      expect(plan.mochaArgs).to.deep.equal(['--grep', 'x'])
      expect(plan.partial).to.equal(true)
    })

    it('counts a file that is named twice once', () => {
      const plan = planTests(['test/unit', 'test/unit/a.test.ts'], files)
      expect(plan.groups.flatMap((group) => group.files)).to.deep.equal(unit)
    })

    it('refuses a path that is no test: a typing error must not look green', () => {
      expect(() => planTests(['test/unti'], files)).to.throw('test/unti is no test file')
    })
  })

  describe('summary', () => {
    const green: GroupResult = { passed: 2, failed: [], skipped: [] }

    it('ends with the totals alone on the last line, after the names of what was skipped and what failed', () => {
      const lines = summaryOf({ passed: 2, failed: ['a > b'], skipped: ['c > d'] }).split('\n')
      expect(lines.at(-1)).to.equal('2 passed, 1 failed, 1 skipped')
      expect(lines).to.include('  - a > b').and.to.include('  - c > d')
    })

    it('is green only when something ran and nothing failed', () => {
      expect(exitCodeOf(green)).to.equal(0)
      expect(exitCodeOf({ ...green, passed: 0 })).to.equal(1)
      expect(exitCodeOf({ ...green, failed: ['x'] })).to.equal(1)
    })
  })

  describe('a mocha process', () => {
    let folder: string

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fdr-run-'))
    })

    afterEach(() => rm(folder, { recursive: true, force: true }))

    const resultOfTests = async (source: string): Promise<GroupResult> => {
      const [test, progress] = [join(folder, 'x.test.ts'), join(folder, 'progress.jsonl')]
      await writeFile(test, source)
      const exit = await runMocha(test, progress)
      return resultOf('x', readProgress(progress), exit)
    }

    it('is counted test by test', async () => {
      const result = await resultOfTests(`
        describe('suite', () => {
          it('passes', () => {})
          it('fails', () => { throw new Error('as it should') })
          it.skip('is skipped', () => {})
          it('is skipped, too', function () { this.skip() })
        })`)
      expect(result).to.deep.equal({
        passed: 1,
        failed: ['x: suite > fails'],
        skipped: ['x: suite > is skipped', 'x: suite > is skipped, too'],
      })
    })

    it('fails for a promise that is rejected unseen', async () => {
      const { failed } = await resultOfTests(`
        it('looks green', async () => {
          void Promise.reject(new Error('unseen'))
          await new Promise((resolve) => setTimeout(resolve, 20))
        })`)
      // Told once or twice: the test may have ended by then or not.
      expect(new Set(failed)).to.deep.equal(new Set(['x: looks green']))
    })

    it('fails for a promise that is rejected after the last test', async () => {
      const { failed, passed } = await resultOfTests(`
        it('is green', () => { setTimeout(() => Promise.reject(new Error('late')), 100) })`)
      expect(passed).to.equal(1)
      expect(failed).to.have.length(1)
    })

    it('fails for every test behind a broken hook', async () => {
      const { failed } = await resultOfTests(`
        before(() => { throw new Error('no database') })
        it('one', () => {})
        it('two', () => {})`)
      expect(failed).to.include('x: one').and.to.include('x: two')
    })

    it('fails when it ends in the middle of a test, and names it', async () => {
      const { failed, passed } = await resultOfTests(`
        it('passes', () => {})
        it('pulls the plug', () => process.exit(0))`)
      expect(passed).to.equal(1)
      expect(failed).to.deep.equal(['x: mocha ended with 0 before the last test (was running: pulls the plug)'])
    })

    it('fails when a file cannot be loaded', async () => {
      const { failed } = await resultOfTests(`import './no-such-file.ts'`)
      expect(failed).to.have.length(1)
    })

    it('fails when something is left open', async () => {
      const { failed } = await resultOfTests(`
        import { createServer } from 'node:net'
        it('forgets to close', (done) => { createServer().listen(0, '127.0.0.1', () => done()) })`)
      expect(failed.join()).to.contain('something kept running after the last test: ')
    })
  })
})

const runMocha = (file: string, progressFile: string): Promise<number> =>
  new Promise((resolve) => {
    const args = ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', file]
    const env = { ...process.env, TEST_PROGRESS_FILE: progressFile, TEST_LEAK_GRACE_MS: '500' }
    const child = execFile(process.execPath, args, { env })
    child.on('exit', (code) => resolve(code ?? 1))
  })
