import { expect } from 'chai'
import fc from 'fast-check'
import { createSecretBox, newKeyRing } from '../../src/core/accounts/secret-box.ts'

const keyOf = (byte: number): string => Buffer.alloc(32, byte).toString('base64')
const ring = `k1:${keyOf(1)}`
const place = 'connection/abc/accessToken'

describe('secret box', () => {
  const box = createSecretBox(ring)

  it('opens what it sealed, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (secret, anyPlace) => {
        expect(box.open(box.seal(secret, anyPlace), anyPlace)).to.equal(secret)
      }),
    )
  })

  it('never gives the same sealed text twice, and none that shows the secret', () => {
    const sealed = [box.seal('EAAtoken', place), box.seal('EAAtoken', place)]
    expect(sealed[0]).to.not.equal(sealed[1])
    for (const text of sealed)
      expect(text)
        .to.match(/^v1:k1:/)
        .and.to.not.contain('EAAtoken')
  })

  it('opens in its own place only', () => {
    const sealed = box.seal('EAAtoken', place)
    for (const other of ['connection/abc/appSecret', 'connection/abd/accessToken', '', `${place} `]) {
      expect(() => box.open(sealed, other)).to.throw()
    }
  })

  it('does not open what was changed in any one character', () => {
    const sealed = box.seal('EAAtoken', place)
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === 'B' ? 'C' : 'B'
      const changed = sealed.slice(0, at) + other + sealed.slice(at + 1)
      const isSameBytes = changed.split(':').every((part, index) => {
        const original = sealed.split(':')[index] ?? ''
        return index < 2 ? part === original : Buffer.from(part, 'base64').equals(Buffer.from(original, 'base64'))
      })
      if (!isSameBytes) expect(() => box.open(changed, place), changed).to.throw()
    }
  })

  for (const bytes of [0, 4, 8, 12, 15]) {
    it(`does not open with a tag cut to ${bytes} bytes: a short one could be guessed`, () => {
      const parts = box.seal('EAAtoken', place).split(':')
      const tag = Buffer.from(parts[4] ?? '', 'base64').subarray(0, bytes)
      expect(() => box.open([...parts.slice(0, 4), tag.toString('base64')].join(':'), place)).to.throw()
    })
  }

  for (const garbage of [
    '',
    'v1',
    'v1:k1',
    'v1:k1:::',
    'v2:k1:AAAA:AAAA:AAAA',
    'EAAplaintext',
    'v1:k1:AAAA:BBBB:CCCC',
  ]) {
    it(`does not open ${JSON.stringify(garbage)}`, () => expect(() => box.open(garbage, place)).to.throw())
  }

  it('opens with every key of the ring and seals with the first', () => {
    const old = box.seal('EAAtoken', place)
    const rotated = createSecretBox(`k2:${keyOf(2)}, k1:${keyOf(1)}`)
    expect(rotated.open(old, place)).to.equal('EAAtoken')
    expect(rotated.seal('new', place)).to.match(/^v1:k2:/)
    expect(() => box.open(rotated.seal('new', place), place)).to.throw('no key k2')
  })

  it('does not open with another key of the same name', () => {
    const sealed = box.seal('EAAtoken', place)
    expect(() => createSecretBox(`k1:${keyOf(2)}`).open(sealed, place)).to.throw()
  })

  const malformed = [
    '',
    'k1',
    'k1:',
    `:${keyOf(1)}`,
    keyOf(1),
    `k1:${Buffer.alloc(31).toString('base64')}`,
    `k1:${Buffer.alloc(33).toString('base64')}`,
    `k 1:${keyOf(1)}`,
    `${'k'.repeat(33)}:${keyOf(1)}`,
    `k1:${keyOf(1)},`,
    `k1:${keyOf(1)};k2:${keyOf(2)}`,
  ]
  for (const text of malformed) {
    it(`refuses the ring ${JSON.stringify(text)}, without showing it`, () => {
      expect(() => createSecretBox(text)).to.throw(/^SECRETS_KEYS must be <keyId>:<base64 of 32 bytes>/)
    })
  }

  it('refuses two keys of the same id: only one of them could open', () => {
    expect(() => createSecretBox(`k1:${keyOf(1)},k1:${keyOf(2)}`)).to.throw('SECRETS_KEYS has two keys of the same id')
  })

  it('takes a key without its padding', () => {
    expect(createSecretBox(ring.replace(/=$/, '')).open(box.seal('x', place), place)).to.equal('x')
  })

  it('makes a ring of its own, another one each time', () => {
    const [one, other] = [newKeyRing(), newKeyRing()]
    expect(one).to.not.equal(other)
    expect(createSecretBox(one).open(createSecretBox(one).seal('x', place), place)).to.equal('x')
  })
})
