import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { membersOf, rowsBelow } from '../support/docs.ts'

const page = readFileSync('docs/add-a-kind.md', 'utf8')

describe('what is written about adding a kind', () => {
  for (const [name, file] of [
    ['NotificationKind', 'kind.ts'],
    ['KindTemplate', 'kind-template.ts'],
  ] as const) {
    it(`explains every member of ${name}, and no other`, () => {
      const members = membersOf(`src/core/notifications/kinds/${file}`, name)
      expect(members).not.to.be.empty
      expect(rowsBelow(page, `### \`${name}\``).map(([member]) => member)).to.deep.equal(
        members.map((member) => `\`${member}\``),
      )
    })
  }
})
