import { expect } from 'chai'
import fc from 'fast-check'
import { createConsents, type KnownConsent, saidAt } from '../../src/core/contacts/consent.ts'
import { loadConsentWords } from '../../src/core/contacts/consent-words.ts'
import { configDir } from '../../src/paths.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 5, 20) + seconds * 1_000)
const consent = (changes: Partial<KnownConsent> = {}): KnownConsent => ({
  accountId: 379,
  address: '+919810012345',
  topic: 'all',
  isWanted: false,
  at: at(0),
  by: 'word',
  ...changes,
})
const phone = '+919810012345'

describe('consent', () => {
  it('is asked of the own account and the owner of the sender, of nobody else', () => {
    const consents = createConsents([consent(), consent({ accountId: 5, topic: 'marketing' })])
    const refused = (...accountIds: number[]) => consents.refused({ accountIds, address: { phone } })
    expect(refused(379, 5)).to.deep.equal({ all: true, marketing: true })
    expect(refused(379)).to.deep.equal({ all: true, marketing: false })
    expect(refused(380, 5)).to.deep.equal({ all: false, marketing: true })
    expect(refused(380, 6)).to.deep.equal({ all: false, marketing: false })
    expect(consents.refused({ accountIds: [379], address: { phone: '+919810012346' } }).all).to.equal(false)
  })

  it('is that of the person, by whichever of their addresses they spoke last', () => {
    const userId = 'IN.1'
    const consents = createConsents([consent(), consent({ address: userId, isWanted: true, at: at(5) })])
    const refuses = (address: object) => consents.refused({ accountIds: [379], address }).all
    expect([refuses({ phone }), refuses({ userId }), refuses({ phone, userId })]).to.deep.equal([true, false, false])
  })

  it('is found by every spelling of a phone', () => {
    const consents = createConsents([consent({ address: '+5511987654321' })])
    for (const spelling of ['+5511987654321', '+551187654321'])
      expect(consents.refused({ accountIds: [379], address: { phone: spelling } }).all, spelling).to.equal(true)
  })

  it('tells what is known at one address of two only, or is older there', () => {
    const both = { phone, userId: 'IN.1' }
    const wish = { accountId: 379, address: both, topic: 'all', isWanted: false, at: at(0), by: 'word' }
    expect(createConsents([consent()]).unequal(both)).to.deep.equal([wish])
    expect(createConsents([consent()]).unequal({ phone })).to.deep.equal([])
    expect(createConsents([consent(), consent({ address: 'IN.1' })]).unequal(both)).to.deep.equal([])
    const newer = consent({ address: 'IN.1', isWanted: true, at: at(9) })
    expect(createConsents([consent(), newer]).unequal(both)).to.deep.equal([{ ...wish, isWanted: true, at: at(9) }])
  })

  it('that is told in whole seconds counts from the end of its second, but not from after it came', () => {
    const received = (ms: number) => new Date(at(10).getTime() + ms)
    expect(saidAt(at(10), received(400))).to.deep.equal(received(400))
    expect(saidAt(at(10), received(5_000))).to.deep.equal(received(999))
    expect(saidAt(received(0), received(0))).to.deep.equal(received(0))
  })
})

describe('words that stop and start messages', () => {
  const read = loadConsentWords(configDir)
  const cases: [text: string, expected: 'stop' | 'start' | undefined][] = [
    ['stop', 'stop'],
    ['STOP', 'stop'],
    ['  Stop!! ', 'stop'],
    ['"stop".', 'stop'],
    ['STOP 🛑️', 'stop'],
    ['ＳＴＯＰ', 'stop'],
    ['st\u200bop', 'stop'],
    ['stop   all', 'stop'],
    ['Opt-out', 'stop'],
    ['Unsubscribe', 'stop'],
    ['रोकें', 'stop'],
    ['बंद करें।', 'stop'],
    ['बन्द करो', 'stop'],
    ['Band karo', 'stop'],
    ['¡Baja!', 'stop'],
    ['СТОП', 'stop'],
    ['Отписаться.', 'stop'],
    ['توقف', 'stop'],
    ['إلغاء الاشتراك', 'stop'],
    ['DÉSABONNER', 'stop'],
    ['start', 'start'],
    ['Start!', 'start'],
    ['शुरू करें', 'start'],
    ['Старт', 'start'],
    ['ابدأ', 'start'],
    ["M'abonner", 'start'],
    ['ABONELİKTEN ÇIK', 'stop'],
    ['please stop calling me', undefined],
    ['do not stop', undefined],
    ['stop the delivery to my old address', undefined],
    ['cancel', undefined],
    ['end', undefined],
    ['yes', undefined],
    ['', undefined],
    ['...', undefined],
    ['stop '.repeat(60), undefined],
  ]
  for (const [text, expected] of cases)
    it(`${JSON.stringify(text.slice(0, 40))} means ${expected ?? 'something else'}`, () =>
      expect(read(text)).to.equal(expected))

  it('are found in no longer text', () => {
    fc.assert(fc.property(fc.string({ minLength: 4 }), (text) => read(`stopping ${text} x`) === undefined))
  })
})
