import { expect } from 'chai'
import fc from 'fast-check'
import { maxEventBytes, parseEvent } from '../../src/core/notifications/parse-event.ts'
import { anFdrEvent } from '../support/fixtures.ts'

const parse = (text: string) => parseEvent(Buffer.from(text))
const reasonOf = (body: Buffer | string): string | undefined => {
  const parsed = parseEvent(Buffer.from(body as string))
  return parsed.ok ? undefined : parsed.reason
}
const nested = (depth: number, open = '[', close = ']') => open.repeat(depth) + close.repeat(depth)

describe('parse event', () => {
  it('reads the real event as it is', () => {
    const event = anFdrEvent()
    expect(parse(JSON.stringify(event))).to.deep.equal({ ok: true, value: event })
  })

  for (const [text, value] of [
    ['{}', {}],
    ['[]', []],
    ['null', null],
    ['"text"', 'text'],
    ['42', 42],
    ['  {"a":1}\r\n', { a: 1 }],
    ['\uFEFF{"a":1}', { a: 1 }],
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"a":"\\ud800"}', { a: '\ud800' }],
    ['{"नाम":"आशा 🏠"}', { नाम: 'आशा 🏠' }],
    ['{"a":1889.0999999999999}', { a: 1889.0999999999999 }],
  ] as [string, unknown][]) {
    it(`reads ${JSON.stringify(text)}`, () => expect(parse(text)).to.deep.equal({ ok: true, value }))
  }

  const refusals: [label: string, body: Buffer | string, reason: string][] = [
    ['nothing', '', 'empty_body'],
    ['words', 'hello', 'not_json'],
    ['a cut body', '{"a":', 'not_json'],
    ['two bodies', '{}{}', 'not_json'],
    ['single quotes', "{'a':1}", 'not_json'],
    ['NaN', '{"a":NaN}', 'not_json'],
    ['XML', '<event/>', 'not_json'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 'not_json'],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), 'not_json'],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0]), 'not_json'],
    ['a prototype', '{"__proto__":{"isAdmin":true}}', 'forbidden_key'],
    ['a constructor deep inside', '{"a":[{"b":{"constructor":1}}]}', 'forbidden_key'],
    ['an escaped prototype', '{"\\u005f_proto__":1}', 'forbidden_key'],
    ['deep lists', nested(40), 'too_complex'],
    ['deep objects', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, 'too_complex'],
    ['lists as deep as a body can be', nested(maxEventBytes / 2), 'too_complex'],
    ['very many values', `[${Array(60_000).fill('{}').join()}]`, 'too_complex'],
    ['more than is read', `"${'x'.repeat(maxEventBytes)}"`, 'too_large'],
  ]
  for (const [label, body, reason] of refusals) {
    it(`refuses ${label}: ${reason}`, () => expect(reasonOf(body)).to.equal(reason))
  }

  it('reads as much as it may', () => {
    expect(parse(`"${'x'.repeat(maxEventBytes - 2)}"`).ok).to.equal(true)
    expect(parse(nested(30)).ok).to.equal(true)
  })

  it('never throws and never reaches into prototypes', () => {
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(body, (bytes) => {
        const parsed = parseEvent(bytes)
        if (!parsed.ok) expect(parsed.detail).to.be.a('string').and.not.equal('')
      }),
      { numRuns: 500 },
    )
    expect(({} as Record<string, unknown>).isAdmin).to.equal(undefined)
  })

  it('gives back any JSON value that is written to it', () => {
    const harmless = fc.json({ maxDepth: 5 }).filter((text) => !/__proto__|constructor|prototype/.test(text))
    fc.assert(
      fc.property(harmless, (text) => {
        expect(parse(text)).to.deep.equal({ ok: true, value: JSON.parse(text) })
      }),
    )
  })
})
