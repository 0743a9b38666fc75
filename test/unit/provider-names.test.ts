import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { providers } from '../../src/providers/index.ts'

/** A provider's id as a value: `'meta'`, `"meta"` or `meta` in back quotes, not the word in a sentence. */
const named = new RegExp(`(['"\`])(${providers.map(({ id }) => id).join('|')})\\1`)

/** Lines of source below `src` that name a provider. */
function linesNaming(isSearched: (path: string) => boolean): string[] {
  const paths = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  return paths.filter(isSearched).flatMap((path) =>
    readFileSync(join('src', path), 'utf8')
      .split('\n')
      .flatMap((line, index) => (named.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
  )
}

const isOfProviders = (path: string) => path.startsWith('providers/')

describe('names of providers', () => {
  it('stand nowhere but with the providers: whatever differs is a capability', () => {
    expect(linesNaming((path) => !isOfProviders(path))).to.deep.equal([])
  })

  it('are found where they do stand, once each in a definition', () => {
    const found = linesNaming((path) => /^providers\/[^/]+\/definition\.ts$/.test(path))
    expect(found.filter((line) => line.includes('id: '))).to.have.length(providers.length)
  })
})
