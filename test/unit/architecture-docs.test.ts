import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { rowsBelow } from '../support/docs.ts'

const page = readFileSync('docs/architecture.md', 'utf8')
const quoted = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name)

const migrations = 'src/core/storage/migrations'
const created = readdirSync(migrations).flatMap((file) => {
  const source = readFileSync(join(migrations, file), 'utf8')
  const named = [...source.matchAll(/createTable\(\s*'(\w+)'/g)].map(([, name = '']) => name)
  const [, listed = ''] = /^const tables: .*? = \{\n(.*?)^\}/ms.exec(source) ?? []
  return [...named, ...[...listed.matchAll(/^ {2}(\w+): \{/gm)].map(([, name = '']) => name)]
})

describe('the page on architecture', () => {
  it('names only files and folders that exist', () => {
    const paths = quoted(page).filter((name) => /^(src|config|docs|test)\//.test(name))
    expect(paths).to.have.length.above(30)
    expect(paths.filter((path) => !existsSync(path))).to.deep.equal([])
  })

  it('leads only to pages that exist', () => {
    const links = [...page.matchAll(/\]\(((?!https?:)[^)#]+)/g)].map(([, path = '']) => join('docs', path))
    expect(links).not.to.be.empty
    expect(links.filter((path) => !existsSync(path))).to.deep.equal([])
  })

  it('names every table, and no other', () => {
    const named = rowsBelow(page, '## Tables').flatMap(([tables = '']) => quoted(tables))
    expect(named).to.have.members(created)
  })
})
