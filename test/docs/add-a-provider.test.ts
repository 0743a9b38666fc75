import { expect } from 'chai'
import { type FollowedPage, followPage } from '../support/docs.ts'

describe('docs/add-a-provider.md, followed to the letter', function () {
  this.timeout(180_000)
  let page: FollowedPage

  before(async () => {
    page = await followPage('docs/add-a-provider.md')
  })

  it('makes a provider that keeps the whole contract', () => {
    for (const part of ['samples', 'sending', 'checking', 'webhook']) expect(page.output).to.contain(`acme: ${part}\n`)
    expect(page.output).to.match(/^\d+ passed, 0 failed, 0 skipped$/m)
  })

  it('needs files of its own and one line in the registry', () => {
    expect(page.made.filter((path) => !path.startsWith('src/providers/acme/'))).to.deep.equal([
      'test/contract/samples/acme.ts',
    ])
    const generated = ['.env.example', 'README.md', 'docs/deployment.md', 'docs/providers.md']
    expect(page.changed.filter((path) => !generated.includes(path))).to.deep.equal(['src/providers/registry.ts'])
    expect(page.newLines('src/providers/registry.ts')).to.deep.equal(["export { acme } from './acme/definition.ts'"])
  })

  it('tells clients and operators of the new provider', () => {
    expect(page.newLines('docs/providers.md')).to.include('## Acme Messaging')
    for (const path of ['README.md', '.env.example']) expect(page.newLines(path).join()).to.contain('ACME_BASE_URL')
  })
})
