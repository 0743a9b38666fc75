import { expect } from 'chai'
import { languageOrder } from '../../src/core/notifications/languages.ts'

describe('order of languages', () => {
  const cases: readonly [label: string, wishes: readonly (string | undefined)[], expected: readonly string[]][] = [
    ['nobody wishes', [], ['en']],
    ['each wish, then English', ['hi', 'ta'], ['hi', 'ta', 'en']],
    ['the base language comes right after its region', ['hi_IN', 'ta'], ['hi_IN', 'hi', 'ta', 'en']],
    ['a region of English before English', ['en_GB'], ['en_GB', 'en']],
    ['each is tried once, where it comes first', ['en', 'hi', 'en_US', 'hi_IN'], ['en', 'hi', 'en_US', 'hi_IN']],
    ['as clients write them', ['PT-br', ' HI '], ['pt_BR', 'pt', 'hi', 'en']],
    ['no wish and no language are passed over', [undefined, '', 'klingon', '../en', 'x', 'es'], ['es', 'en']],
  ]
  for (const [label, wishes, expected] of cases) {
    it(label, () => expect(languageOrder(wishes)).to.deep.equal(expected))
  }
})
