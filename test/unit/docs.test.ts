import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { asyncApiPage } from '../../scripts/docs/asyncapi.ts'
import { providersPage } from '../../scripts/docs/providers-page.ts'
import { envExample, envTable } from '../../src/env.ts'
import { providers } from '../../src/providers/index.ts'

const readme = readFileSync('README.md', 'utf8')

describe('documentation', () => {
  it('shows the configuration as the one definition has it (npm run docs writes it)', () => {
    expect(readme).to.include(envTable())
    expect(readFileSync('.env.example', 'utf8')).to.equal(envExample())
    expect(readFileSync('docs/providers.md', 'utf8')).to.equal(providersPage(providers))
    expect(readFileSync('docs/asyncapi.yaml', 'utf8')).to.equal(asyncApiPage())
  })

  it('leads only to files that exist', () => {
    const links = [...readme.matchAll(/\]\(((?!https?:)[^)#]+)\)/g)].map(([, path = '']) => path)
    expect(links).to.not.be.empty
    for (const path of links) expect(() => readFileSync(path), path).to.not.throw(/ENOENT/)
  })

  it('names only commands of package.json', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
    const paths = [
      'README.md',
      'CONTRIBUTING.md',
      'docs/performance.md',
      'docs/add-a-provider.md',
      'docs/keys.md',
      'docs/statistics.md',
    ]
    const pages = paths.map((path) => readFileSync(path, 'utf8'))
    const named = pages.flatMap((page) => [...page.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name))
    expect(named).to.include('demo')
    for (const name of named) expect(scripts).to.have.property(name)
  })
})
