import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { asyncApiPage } from '../../scripts/docs/asyncapi.ts'
import { providersPage } from '../../scripts/docs/providers-page.ts'
import { envExample, envTable } from '../../src/env.ts'
import { providers } from '../../src/providers/index.ts'

const readme = readFileSync('README.md', 'utf8')

const linksOf = (page: string): string[] =>
  [...readFileSync(page, 'utf8').matchAll(/\]\(((?!https?:)[^)#\s]+)/g)].map(([, path = '']) =>
    join(dirname(page), path),
  )

describe('documentation', () => {
  it('shows the configuration as the one definition has it (npm run docs writes it)', () => {
    expect(readme).to.include(envTable())
    expect(readFileSync('.env.example', 'utf8')).to.equal(envExample())
    expect(readFileSync('docs/providers.md', 'utf8')).to.equal(providersPage(providers))
    expect(readFileSync('docs/asyncapi.yaml', 'utf8')).to.equal(asyncApiPage())
  })

  const pages = readdirSync('docs').filter((name) => name.endsWith('.md'))
  for (const page of ['README.md', ...pages.map((name) => `docs/${name}`)])
    it(`leads from ${page} only to files that exist`, () =>
      expect(linksOf(page).filter((path) => !existsSync(path))).to.deep.equal([]))

  it('leads from the README to every page', () =>
    expect(linksOf('README.md')).to.include.members(pages.map((name) => `docs/${name}`)))

  it('names only commands of package.json', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
    const paths = [
      'README.md',
      'CONTRIBUTING.md',
      'docs/performance.md',
      'docs/add-a-provider.md',
      'docs/keys.md',
      'docs/statistics.md',
      'docs/set-up.md',
      'docs/operations.md',
      'docs/capacity.md',
      'docs/architecture.md',
    ]
    const pages = paths.map((path) => readFileSync(path, 'utf8'))
    const named = pages.flatMap((page) => [...page.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name))
    expect(named).to.include('demo')
    for (const name of named) expect(scripts).to.have.property(name)
  })
})
