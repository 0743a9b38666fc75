import { expect } from 'chai'
import fc from 'fast-check'
import { canonicalPhone, phoneSpellings } from '../../src/core/contacts/canonical-phone.ts'
import {
  type ContactChange,
  isWindowOpen,
  merged,
  unknownContact,
  withChange,
} from '../../src/core/contacts/contact.ts'
import { createDirectory, type Entry } from '../../src/core/contacts/directory.ts'

const at = (minutes: number) => new Date(Date.UTC(2026, 5, 20) + minutes * 60_000)
const windowMs = 24 * 3_600_000
const fresh = unknownContact(1)
const contactAfter = (...changes: ContactChange[]) => changes.reduce(withChange, fresh)

describe('contact', () => {
  const change: fc.Arbitrary<ContactChange> = fc.oneof(
    fc.record({ type: fc.constant('wrote' as const), at: fc.nat(500).map(at) }),
    fc.record({ type: fc.constant('human_wrote' as const), at: fc.nat(500).map(at) }),
  )
  const changes = fc.uniqueArray(change, {
    maxLength: 8,
    selector: (one) => `${one.type}/${'at' in one && one.at.getTime()}`,
  })

  it('is the same whatever the order of the news, and however often they come', () => {
    fc.assert(
      fc.property(changes, fc.infiniteStream(fc.nat()), (list, numbers) => {
        const order = numbers[Symbol.iterator]()
        const shuffled = [...list, ...list]
          .map((one) => ({ one, place: order.next().value as number }))
          .sort((a, b) => a.place - b.place)
          .map(({ one }) => one)
        expect(contactAfter(...shuffled)).to.deep.equal(contactAfter(...list))
      }),
    )
  })

  it('remembers what it was before it moved, and forgets no address for an absent one', () => {
    const known = contactAfter({ type: 'address', address: { phone: '+911', userId: 'IN.1' } })
    const moved = withChange(known, { type: 'address', address: { phone: '+912' } })
    expect(moved).to.include({ phone: '+912', userId: 'IN.1', formerPhone: '+911', formerUserId: null })
    expect(withChange(moved, { type: 'address', address: { phone: '+912' } })).to.deep.equal(moved)
    const renamed = withChange(moved, { type: 'address', address: { userId: 'IN.2' } })
    expect(renamed).to.include({ phone: '+912', userId: 'IN.2', formerPhone: '+911', formerUserId: 'IN.1' })
  })

  it('joined of two keeps the later window', () => {
    const one = contactAfter({ type: 'wrote', at: at(1), name: 'Asha' })
    const two = contactAfter({ type: 'wrote', at: at(2) })
    for (const both of [merged(one, two), merged(two, one)])
      expect([both.lastInboundAt, both.name]).to.deep.equal([at(2), 'Asha'])
  })

  it('has an open window until ten minutes before the 24 hours are over', () => {
    const contact = contactAfter({ type: 'wrote', at: at(0) })
    const lastMinute = 24 * 60 - 10
    expect(isWindowOpen(contact, windowMs, at(0))).to.equal(true)
    expect(isWindowOpen(contact, windowMs, new Date(at(lastMinute).getTime() - 1))).to.equal(true)
    expect(isWindowOpen(contact, windowMs, at(lastMinute))).to.equal(false)
    expect(isWindowOpen(fresh, windowMs, at(0)), 'who never wrote has none').to.equal(false)
    expect(isWindowOpen(undefined, windowMs, at(0))).to.equal(false)
  })
})

describe('contact directory', () => {
  const entry = (id: number, phone: string | null, userId: string | null, connectionId = 1): Entry => ({
    id,
    contact: { ...unknownContact(connectionId), phone, userId },
  })
  const wrote: ContactChange = { type: 'wrote', at: at(5) }

  it('finds by user id or phone, on one connection only', () => {
    const directory = createDirectory([entry(1, '+911', 'IN.1'), entry(2, '+911', null, 2)])
    expect(directory.find(1, { userId: 'IN.1' })?.phone).to.equal('+911')
    expect(directory.find(2, { phone: '+911' })?.connectionId).to.equal(2)
    expect(directory.find(2, { userId: 'IN.1' })).to.equal(undefined)
    expect(directory.find(1, { phone: '+912', userId: 'IN.2' })).to.equal(undefined)
  })

  it('makes a contact of who is not known, and learns the second address later', () => {
    const directory = createDirectory([])
    directory.change(1, { phone: '+911' }, wrote)
    directory.change(1, { phone: '+911', userId: 'IN.1' }, wrote)
    directory.change(1, { userId: 'IN.1' }, { type: 'wrote', at: at(9) })
    const { changed, goneIds } = directory.outcome()
    expect([changed.length, goneIds.length]).to.deep.equal([1, 0])
    expect(changed[0]?.contact).to.include({ phone: '+911', userId: 'IN.1' })
    expect(changed[0]?.contact.lastInboundAt).to.deep.equal(at(9))
  })

  it('joins two contacts that show to be one', () => {
    const directory = createDirectory([entry(1, '+911', null), entry(2, null, 'IN.1')])
    directory.change(1, { phone: '+911', userId: 'IN.1' }, wrote)
    const { changed, goneIds } = directory.outcome()
    expect(goneIds).to.deep.equal([1])
    expect(changed.map(({ id, contact }) => [id, contact.phone, contact.userId])).to.deep.equal([[2, '+911', 'IN.1']])
    expect(directory.find(1, { phone: '+911' })?.lastInboundAt).to.deep.equal(at(5))
  })

  it('joins whoever moves to a number with whoever is known there', () => {
    const directory = createDirectory([entry(1, '+911', 'IN.1'), entry(2, '+912', null)])
    directory.change(1, { phone: '+911' }, { type: 'address', address: { phone: '+912' } })
    const { changed, goneIds } = directory.outcome()
    expect(goneIds).to.deep.equal([2])
    expect(changed[0]?.contact).to.include({ phone: '+912', userId: 'IN.1', formerPhone: '+911' })
    expect(directory.find(1, { phone: '+911' })).to.equal(undefined)
  })

  it('leaves alone what does not change', () => {
    const directory = createDirectory([entry(1, '+911', 'IN.1')])
    directory.change(1, { phone: '+911' }, { type: 'address', address: { userId: 'IN.1' } })
    expect(directory.outcome()).to.deep.equal({ changed: [], goneIds: [] })
  })

  it('knows a Brazilian number in both spellings', () => {
    const directory = createDirectory([])
    directory.change(1, { phone: '+551187654321' }, wrote)
    expect(directory.find(1, { phone: '+5511987654321' })?.lastInboundAt).to.deep.equal(at(5))
  })
})

describe('canonical phone', () => {
  const pairs = [
    ['+551187654321', '+5511987654321'],
    ['+5215512345678', '+525512345678'],
    ['+5491123456789', '+541123456789'],
  ] as const
  for (const [network, canonical] of pairs) {
    it(`${network} is ${canonical}`, () => {
      expect(canonicalPhone(network)).to.equal(canonical)
      expect(canonicalPhone(canonical)).to.equal(canonical)
      for (const phone of [network, canonical]) expect(phoneSpellings(phone)).to.have.members([network, canonical])
    })
  }

  it('leaves other numbers as they are', () => {
    for (const phone of ['+919810012345', '+4915550001111', '+551132345678']) {
      expect([canonicalPhone(phone), ...phoneSpellings(phone)]).to.deep.equal([phone, phone])
    }
  })
})
