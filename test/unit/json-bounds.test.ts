import { expect } from 'chai'
import fc from 'fast-check'
import { whyBeyond } from '../../src/core/inbound/json-bounds.ts'

const bounds = { maxDepth: 4, maxValues: 10 }
const why = (text: string) => whyBeyond(Buffer.from(text), bounds)

describe('bounds of JSON', () => {
  it('are the depth and the number of values', () => {
    expect(why('[[[[1]]]]')).to.equal(undefined)
    expect(why('[[[[[1]]]]]')).to.match(/nested more than 4/)
    expect(why('[1,2,3,4,5,6,7,8,9,10]')).to.equal(undefined)
    expect(why('[1,2,3,4,5,6,7,8,9,10,11]')).to.match(/more than 10 values/)
    expect(why('{"a":{"a":{"a":{"a":{}}}}}')).to.match(/nested/)
  })

  it('do not count what stands inside of texts', () => {
    expect(why('["[[[[[[,,,,,,,,,,,,"]')).to.equal(undefined)
    expect(why(String.raw`["\"[[[[[[", "\\", "\\\"[[[[["]`)).to.equal(undefined)
    expect(why(String.raw`["\\", [[[[1]]]]]`)).to.match(/nested/)
    expect(why('["never closed [[[[[[')).to.equal(undefined)
    expect(why('"')).to.equal(undefined)
  })

  it('agree with a walk through the parsed value', () => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 7 }), (value) => {
        const isDeep = whyBeyond(Buffer.from(JSON.stringify(value)), { maxDepth: 4, maxValues: 1e9 }) !== undefined
        expect(isDeep).to.equal(depthOf(value) > 4)
      }),
    )
  })

  it('are looked for quickly in the largest webhook', () => {
    const body = Buffer.from(
      JSON.stringify({ a: Array.from({ length: 40_000 }, (_, id) => ({ id: `wamid.${id}"\\` })) }),
    )
    const startedAt = performance.now()
    expect(whyBeyond(body, { maxDepth: 32, maxValues: 250_000 })).to.equal(undefined)
    expect(performance.now() - startedAt).to.be.lessThan(500)
  })
})
