import { expect } from 'chai'
import { defined, fieldOf, listOf, parseJson, recordOf, textOf } from '../../src/providers/shared/read.ts'

describe('lenient readers', () => {
  it('read own fields only', () => {
    for (const key of ['constructor', 'toString', '__proto__']) expect(fieldOf({}, key), key).to.equal(undefined)
    expect(textOf(parseJson('{"__proto__":"own"}'), '__proto__')).to.equal('own')
  })

  it('read what has another type as absent', () => {
    for (const value of [undefined, null, 7, 'x', ['a'], { a: null }, { a: true }]) {
      expect(textOf(value, 'a')).to.equal(undefined)
      expect(recordOf(value, 'a')).to.equal(undefined)
      expect(listOf(value, 'a')).to.deep.equal([])
    }
    expect(recordOf({ a: [] }, 'a')).to.equal(undefined)
  })

  it('read numbers as text and empty text as absent', () => {
    const texts = ['0', 0, 650000000000001, '', Number.NaN].map((a) => textOf({ a }, 'a'))
    expect(texts).to.deep.equal(['0', '0', '650000000000001', undefined, undefined])
  })

  it('leave out what is undefined and nothing else', () => {
    expect(defined({ a: undefined, b: 0, c: '', d: null, e: false })).to.deep.equal({ b: 0, c: '', d: null, e: false })
  })

  it('read broken JSON as nothing', () => expect(parseJson('{')).to.equal(undefined))
})
