import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { modelFolder } from '../../scripts/new-provider/generate.ts'
import { providers } from '../../src/providers/index.ts'
import { membersOf, rowsBelow } from '../support/docs.ts'

const page = readFileSync('docs/add-a-provider.md', 'utf8')

const linesOf = (folder: string): number =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .reduce((sum, file) => sum + readFileSync(`${folder}/${file}`, 'utf8').split('\n').length - 1, 0)

describe('what is written about adding a provider', () => {
  for (const name of ['ProviderDefinition', 'Capabilities', 'ProviderAdapter']) {
    it(`explains every member of ${name}, and no other`, () => {
      const members = membersOf('src/core/contract/provider.ts', name)
      expect(members).not.to.be.empty
      expect(rowsBelow(page, `### \`${name}\``).map(([member]) => member)).to.deep.equal(
        members.map((member) => `\`${member}\``),
      )
    })
  }

  it('says how long providers are, a fifth more or less', () => {
    const rows = rowsBelow(page, '## What it cost so far').map(
      ([id = '', lines]) => [id.slice(1, -1), Number(lines)] as const,
    )
    expect(rows).not.to.be.empty
    expect(['copy-me', ...providers.map(({ id }) => id)]).to.include.members(rows.map(([id]) => id))
    for (const [id, lines] of rows) {
      const counted = linesOf(id === 'copy-me' ? modelFolder : `src/providers/${id}`)
      expect(lines, id).to.be.within(counted * 0.8, counted * 1.2)
    }
  })

  it('is done in every provider of the product', () => {
    for (const { id } of providers) {
      const folder = `src/providers/${id}`
      const paths = [`test/contract/samples/${id}.ts`, ...readdirSync(folder).map((file) => `${folder}/${file}`)]
      for (const path of paths) expect(readFileSync(path, 'utf8'), path).not.to.contain('Fill in:')
    }
  })
})
