import { expect } from 'chai'
import { type FollowedPage, followPage } from '../support/docs.ts'

describe('docs/add-a-kind.md, followed to the letter', function () {
  this.timeout(180_000)
  let page: FollowedPage

  before(async () => {
    page = await followPage('docs/add-a-kind.md')
  })

  it('leads to messages that go out', () => expect(page.output).to.match(/^ *1 passing/m))

  it('needs one file, its template in each language and one line in the registry', () => {
    expect(page.made).to.deep.equal([
      'config/templates/invoice_issued.en.hbs',
      'config/templates/invoice_issued.hi.hbs',
      'src/core/notifications/kinds/invoice.ts',
      'test/stories/invoices.test.ts',
    ])
    const registry = 'src/core/notifications/kinds/registry.ts'
    expect(page.changed).to.deep.equal([registry])
    expect(page.newLines(registry)).to.deep.equal(["export { invoice } from './invoice.ts'"])
  })
})
