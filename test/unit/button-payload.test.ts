import { expect } from 'chai'
import fc from 'fast-check'
import { type ButtonPayload, buttonPayload, parseButtonPayload } from '../../src/core/conversations/button-payload.ts'
import { actions } from '../../src/core/notifications/reason.ts'

const reference = 'AbCdEfGhIjKlMnOpQrSt_-'

describe('button payload', () => {
  it('is read back as it was written, and short enough for every provider', () => {
    const payload = fc.record(
      {
        reference: fc.stringMatching(/^[\w-]{22}$/),
        action: fc.constantFrom(...actions),
        value: fc.stringMatching(/^[\w-]{1,32}$/),
      },
      { requiredKeys: ['reference', 'action'] },
    )
    fc.assert(
      fc.property(payload as fc.Arbitrary<ButtonPayload>, (given) => {
        const text = buttonPayload(given)
        expect(parseButtonPayload(text)).to.deep.equal(given)
        expect(text.length).to.be.at.most(128)
      }),
    )
  })

  it('has a form that messages which are out there rely on', () => {
    expect(buttonPayload({ reference, action: 'cancel' })).to.equal(`g1.${reference}.cancel`)
    const date = { reference, action: 'reschedule', value: '2026-06-23' } as const
    expect(buttonPayload(date)).to.equal(`g1.${reference}.reschedule.2026-06-23`)
  })

  for (const foreign of [
    undefined,
    '',
    'Cancel my order',
    reference,
    `g1.${reference}`,
    `g1.${reference}.`,
    `g1.${reference}.steal`,
    `g1.${reference}.constructor`,
    `g1.${reference}.cancel.`,
    `g1.${reference}.cancel.a.b`,
    `g1.${reference}.cancel.${'x'.repeat(33)}`,
    `g1.${reference}x.cancel`,
    `g1.${reference.slice(1)}.cancel`,
    `g2.${reference}.cancel`,
    ` g1.${reference}.cancel`,
    `g1.${reference}.cancel\n`,
    `x g1.${reference}.cancel`,
  ]) {
    it(`does not take ${JSON.stringify(foreign)} for its own`, () => {
      expect(parseButtonPayload(foreign)).to.equal(undefined)
    })
  }
})
