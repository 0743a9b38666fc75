import { spawn } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { expect } from 'chai'

const page = await readFile('docs/add-a-provider.md', 'utf8')

/** What the page tells its reader to type, in its order. */
const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)

/** What a fresh clone does not have. */
const notCloned = new Set(['.git', '.env', 'node_modules', 'dist', 'data'])

describe('docs/add-a-provider.md, followed to the letter', function () {
  this.timeout(180_000)
  let clone: string
  let given: ReadonlyMap<string, string>
  let found: ReadonlyMap<string, string>
  let output = ''

  before(async () => {
    clone = await mkdtemp(join(tmpdir(), 'fdr-add-a-provider-'))
    await cp('.', clone, { recursive: true, filter: (path) => !notCloned.has(relative('.', path)) })
    await symlink(resolve('node_modules'), join(clone, 'node_modules'))
    given = await textsIn(clone)
    for (const block of blocks) output += await outputOf(block, clone)
    found = await textsIn(clone)
  })

  after(() => rm(clone, { recursive: true }))

  it('makes a provider that keeps the whole contract', () => {
    for (const part of ['samples', 'sending', 'checking', 'webhook']) expect(output).to.contain(`acme: ${part}\n`)
    expect(output).to.match(/^\d+ passed, 0 failed, 0 skipped$/m)
  })

  it('needs files of its own and one line in the registry', () => {
    const made = [...found.keys()].filter((path) => !given.has(path))
    expect(made.filter((path) => !path.startsWith('src/providers/acme/'))).to.deep.equal([
      'test/contract/samples/acme.ts',
    ])
    const generated = ['.env.example', 'README.md', 'docs/providers.md']
    const changed = [...given].filter(([path, text]) => found.get(path) !== text).map(([path]) => path)
    expect(changed.filter((path) => !generated.includes(path))).to.deep.equal(['src/providers/registry.ts'])
    expect(newLines('src/providers/registry.ts')).to.deep.equal(["export { acme } from './acme/definition.ts'"])
  })

  it('tells clients and operators of the new provider', () => {
    expect(newLines('docs/providers.md')).to.include('## Acme Messaging')
    for (const path of ['README.md', '.env.example']) expect(newLines(path).join()).to.contain('ACME_BASE_URL')
  })

  const newLines = (path: string): string[] => {
    const old = new Set(given.get(path)?.split('\n'))
    return (found.get(path) ?? '').split('\n').filter((line) => !old.has(line))
  }
})

/** Every file of a folder by its path; links are not followed. */
async function textsIn(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const texts = paths.sort().map(async (path) => [relative(folder, path), await readFile(path, 'utf8')] as const)
  return new Map(await Promise.all(texts))
}

/** @throws {Error} with all that the commands printed, when one of them fails */
function outputOf(commands: string, cwd: string): Promise<string> {
  const isOurs = (name: string) => name.startsWith('TEST_') || name === 'UPDATE_GOLDEN'
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
  return new Promise((done, fail) => {
    const shell = spawn('sh', ['-ec', commands], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
      })
    }
    shell.on('error', fail)
    shell.on('close', (code) =>
      code === 0 ? done(output) : fail(new Error(`${commands}ended with ${code}:\n${output}`)),
    )
  })
}
