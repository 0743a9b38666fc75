import { expect } from 'chai'
import { isNamedIn, type Person, personOf, together } from '../../src/core/privacy/person.ts'

const asha: Person = together(personOf('+919810012345'), {
  phones: [],
  userIds: ['IN.00000919810012345'],
  emails: ['Asha.Nair@example.com'],
  orders: [{ accountId: 379, number: '#98079' }],
})

const naming = [
  '{"phone":"9810012345"}',
  '{"phone":9810012345}',
  '{"to":"919810012345"}',
  '"+91 98100 12345"',
  '"+91-98100-12345"',
  '"(098100) 12345"',
  '"00919810012345"',
  'call 12 9810012345 34',
  '{"mail":"asha.nair@EXAMPLE.com"}',
  '{"user":"IN.00000919810012345"}',
  '{"vendorOrderNumber":"#98079"}',
]

const notNaming = [
  '',
  '{"phone":"9810012346"}',
  '{"phone":"981001234"}',
  '{"tracking":"17046126021659810012345"}',
  '{"tracking":"98100123459999"}',
  '{"mail":"nair@example.com"}',
  '{"note":"order #980790"}',
]

describe('a text', () => {
  for (const text of naming) it(`names the person: ${text}`, () => expect(isNamedIn(text, asha, 379)).to.equal(true))
  for (const text of notNaming)
    it(`does not: ${text || '(empty)'}`, () => expect(isNamedIn(text, asha, 379)).to.equal(false))

  it('of another account has order numbers of its own', () => {
    expect(isNamedIn('{"vendorOrderNumber":"#98079"}', asha, 380)).to.equal(false)
    expect(isNamedIn('{"vendorOrderNumber":"#98079"}', asha, null)).to.equal(false)
  })

  it('names a person in the spelling of another network', () => {
    const brazilian = personOf('+5511987654321')
    expect(isNamedIn('{"wa_id":"551187654321"}', brazilian, null)).to.equal(true)
  })
})
