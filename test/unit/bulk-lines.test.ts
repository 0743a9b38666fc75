import { expect } from 'chai'
import fc from 'fast-check'
import { mostLines, readBulk } from '../../src/core/bulks/bulk-lines.ts'

const read = (text: string, type?: string) => readBulk(Buffer.from(text), type)
const linesOf = (text: string, type?: string) => {
  const reading = read(text, type)
  if ('problem' in reading) throw new Error(reading.problem)
  return reading.lines.map(({ line, parse }) => {
    const parsed = parse()
    return [line, parsed.ok ? parsed.value : parsed.reason]
  })
}

describe('lines of a bulk', () => {
  it('are counted as an editor counts them, blank ones passed over', () => {
    expect(linesOf('{"a":1}\r\n\n  \n{"a":2}')).to.deep.equal([
      [1, { a: 1 }],
      [4, { a: 2 }],
    ])
  })

  it('stand for themselves: one that is no JSON costs no other', () => {
    expect(linesOf('{"a":\n{"a":2}\n{"__proto__":1}\n')).to.deep.equal([
      [1, 'not_json'],
      [2, { a: 2 }],
      [3, 'forbidden_key'],
    ])
  })

  it('stand for themselves in an array as well: one that is nested as deep as it is long costs no other', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
    expect(linesOf(`[{"a":1},${deep},{"a":2}]`)).to.deep.equal([
      [1, { a: 1 }],
      [2, 'too_complex'],
      [3, { a: 2 }],
    ])
  })

  it('are the same as an array, also one that is written over several lines', () => {
    expect(linesOf(' [\n{"a":1},\n{"a":2}]', 'application/json')).to.deep.equal([
      [1, { a: 1 }],
      [2, { a: 2 }],
    ])
    expect(linesOf('[1]', 'application/x-ndjson'), 'a line that is an array').to.deep.equal([[1, [1]]])
  })

  it('are as many as they are, whatever they say', () => {
    const values = fc.array(fc.record({ text: fc.string({ unit: 'grapheme' }) }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(values, (all) => {
        const expected = all.map((value, index) => [index + 1, value])
        expect(linesOf(all.map((value) => JSON.stringify(value)).join('\n'))).to.deep.equal(expected)
        expect(linesOf(JSON.stringify(all))).to.deep.equal(expected)
      }),
    )
  })

  it('are bounded, and some at least', () => {
    expect(linesOf('{}\n'.repeat(mostLines))).to.have.length(mostLines)
    for (const text of ['{}\n'.repeat(mostLines + 1), `[${'1,'.repeat(mostLines)}1]`])
      expect(read(text)).to.include({ isTooLarge: true })
    for (const text of ['', ' \n', '[]', '[1', '[\ufffd'.slice(0, 1)]) expect(read(text)).to.have.property('problem')
  })
})
