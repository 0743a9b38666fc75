import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { expect } from 'chai'

const biome = resolve('node_modules/@biomejs/biome/bin/biome')

type ImportCase = { file: string; imports: string }

const forbidden: ImportCase[] = [
  { file: 'src/core/a.ts', imports: '../providers/meta/adapter.ts' },
  { file: 'src/core/sending/b.ts', imports: '../../providers/index.ts' },
  { file: 'src/core/c.ts', imports: '../http/server.ts' },
  { file: 'src/core/d.ts', imports: '../consumers/topology.ts' },
  { file: 'src/core/e.ts', imports: '../app.ts' },
  { file: 'src/http/f.ts', imports: '../providers/meta/adapter.ts' },
  { file: 'src/http/handlers/g.ts', imports: '../../providers/index.ts' },
  { file: 'src/consumers/h.ts', imports: '../providers/twin24/codes.ts' },
  { file: 'src/providers/meta/i.ts', imports: '../../core/sending/send-message.ts' },
  { file: 'src/providers/meta/j.ts', imports: '../../http/server.ts' },
  { file: 'src/providers/shared/k.ts', imports: '../../consumers/topology.ts' },
]

const allowed: ImportCase[] = [
  { file: 'src/core/sending/l.ts', imports: '../contract/provider.ts' },
  { file: 'src/http/m.ts', imports: '../core/sending/send-message.ts' },
  { file: 'src/consumers/n.ts', imports: '../core/notifications/accept-event.ts' },
  { file: 'src/providers/meta/o.ts', imports: '../../core/contract/provider.ts' },
  { file: 'src/providers/meta/p.ts', imports: '../shared/http-client.ts' },
  { file: 'src/app.ts', imports: './providers/index.ts' },
]

describe('dependency rule: http and consumers -> core <- providers', () => {
  let violations: Set<string>

  before(async function () {
    this.timeout(60_000)
    violations = await lint([...forbidden, ...allowed])
  })

  for (const { file, imports } of forbidden) {
    it(`refuses ${imports} in ${file}`, () => expect(violations.has(file)).to.equal(true))
  }

  for (const { file, imports } of allowed) {
    it(`allows ${imports} in ${file}`, () => expect(violations.has(file)).to.equal(false))
  }
})

/** Lints the files in a folder that has nothing but our biome.json, and gives those that break the import rule. */
const lint = async (cases: readonly ImportCase[]): Promise<Set<string>> => {
  const folder = await mkdtemp(join(tmpdir(), 'fdr-lint-'))
  try {
    await cp('biome.json', join(folder, 'biome.json'))
    for (const { file, imports } of cases) {
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), `import { thing } from '${imports}'\n\nexport const other = thing\n`)
    }
    return restrictedImports(await runBiome(folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Diagnostic = { category: string; location: { path: string } }

const restrictedImports = (report: string): Set<string> => {
  const { diagnostics }: { diagnostics: Diagnostic[] } = JSON.parse(report)
  const broken = diagnostics.filter(({ category }) => category === 'lint/style/noRestrictedImports')
  return new Set(broken.map(({ location }) => location.path))
}

/** Biome ends with 1 when it finds something; its report is on standard output all the same. */
const runBiome = (folder: string): Promise<string> =>
  new Promise((done) => {
    const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none', '.']
    execFile(process.execPath, args, { cwd: folder }, (_error, stdout) => done(stdout))
  })
