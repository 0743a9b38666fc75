import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { docsPage, docsPolicy } from '../../src/http/openapi/docs-page.ts'
import { type OpenApi, openApiOf } from '../../src/http/openapi/document.ts'
import { routeTable } from '../support/route-table.ts'

/** As much of an element as the page's script uses. */
class FakeElement {
  readonly tagName: string
  id = ''
  textContent = ''
  children: (FakeElement | string)[] = []

  constructor(tag: string) {
    this.tagName = tag.toUpperCase()
  }
  append(...children: (FakeElement | string)[]) {
    this.children.push(...children)
  }
  replaceChildren(...children: FakeElement[]) {
    this.children = children
  }
  all(): FakeElement[] {
    const below = this.children.flatMap((child) => (typeof child === 'string' ? [] : child.all()))
    return [this, ...below]
  }
  words(): string {
    return this.textContent + this.children.map((child) => (typeof child === 'string' ? child : child.words())).join('')
  }
}

const between = (start: string, end: string) => docsPage.split(start)[1]?.split(end)[0] ?? ''
const script = between('<script>', '</script>')

/** What the page shows when it is given this answer. */
async function shown(answer: object): Promise<FakeElement> {
  const main = new FakeElement('main')
  const asked: string[] = []
  const context = {
    document: {
      querySelector: () => main,
      createElement: (tag: string) => new FakeElement(tag),
      getElementById: () => null,
    },
    location: { hash: '' },
    addEventListener: () => {},
    fetch: async (url: string) => {
      asked.push(url)
      return answer
    },
  }
  runInNewContext(script, context)
  for (let turns = 0; turns < 10; turns++) await turn()
  expect(asked).to.deep.equal(['openapi.json'])
  return main
}

const found = (api: OpenApi) => ({ ok: true, json: async () => structuredClone(api) })

describe('/docs', () => {
  const api = openApiOf(routeTable)

  it('shows every route and every schema', async () => {
    const page = await shown(found(api))
    const heads = page.all().flatMap((element) => (element.tagName === 'SUMMARY' ? [element.words()] : []))
    for (const { method, path } of routeTable) {
      const name = `${method.toUpperCase()}${path.replace(/:(\w+)/g, '{$1}')} `
      expect(
        heads.some((head) => head.startsWith(name)),
        name,
      ).to.equal(true)
    }
    expect(heads).to.include.members(Object.keys(api.components.schemas))
  })

  it('shows what a route asks and answers', async () => {
    const words = (await shown(found(api))).words()
    for (const part of ['Idempotency-Key', 'application/problem+json', 'Scope `send`', '"maximum":200'])
      expect(words).to.include(part)
  })

  it('shows markup as the text that it is', async () => {
    const evil = '<img src=x onerror=alert(1)>'
    const page = await shown(found({ ...api, info: { description: evil }, paths: {} }))
    expect(page.words()).to.include(evil)
    expect(page.all().map(({ tagName }) => tagName)).to.not.include('IMG')
  })

  it('says so when it is not answered', async () => {
    expect((await shown({ ok: false, status: 503 })).words()).to.include('answered 503')
  })

  it('needs nothing from elsewhere, and may not', () => {
    expect(docsPage).to.not.match(/https?:|src=|@import|url\(/)
    expect(docsPolicy).to.include("default-src 'none'").and.not.include('unsafe')
  })

  it('takes no text for markup', () => {
    expect(docsPage).to.not.match(/innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b/)
  })

  it('may run its own script and use its own style, by their hashes', () => {
    for (const text of [script, between('<style>', '</style>')])
      expect(docsPolicy).to.include(`'sha256-${createHash('sha256').update(text).digest('base64')}'`)
  })
})
