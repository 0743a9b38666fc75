import { expect } from 'chai'
import { createConsents, type Refused } from '../../src/core/contacts/consent.ts'
import { type Contact, unknownContact } from '../../src/core/contacts/contact.ts'
import type { Content, TemplateContent } from '../../src/core/contract/content.ts'
import type { ClaimedMessage } from '../../src/core/sending/outgoing-message.ts'
import { createPermit, permissionFor } from '../../src/core/sending/permission.ts'

const now = new Date('2026-06-20T12:00:00Z')
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000)
const template: TemplateContent = { type: 'template', template: { name: 't', language: 'en' }, values: {}, buttons: [] }
const marketing: TemplateContent = { ...template, isMarketing: true }
const text: Content = { type: 'text', text: 'thanks' }
const contact = (changes: Partial<Contact>): Contact => ({ ...unknownContact(1), ...changes })
const inTouch = contact({ lastInboundAt: hoursAgo(1) })
const longAgo = contact({ lastInboundAt: hoursAgo(24) })
const none: Refused = { all: false, marketing: false }
const noMarketing: Refused = { all: false, marketing: true }
const nothing: Refused = { all: true, marketing: false }

const permit = (content: Content, known: Contact | undefined, refused: Refused) => {
  const permission = permissionFor(content, { refused, contact: known, serviceWindowMs: 24 * 3_600_000, now })
  return 'content' in permission ? permission.content : permission.refusal.code
}

describe('permission to send', () => {
  const out = 'recipient_opted_out'
  const confirmation: Content = { ...text, confirmsWish: true }
  const cases: [label: string, content: Content, known: Contact | undefined, Refused, expected: Content | string][] = [
    ['a template to anybody', template, undefined, none, template],
    ['a template to whoever wants no marketing', template, longAgo, noMarketing, template],
    ['no template to whoever wants nothing', template, inTouch, nothing, out],
    ['marketing to whoever said nothing', marketing, undefined, none, marketing],
    ['no marketing to whoever wants none', marketing, longAgo, noMarketing, out],
    ['no marketing to whoever wants nothing', marketing, longAgo, nothing, out],
    ['free text to whoever wrote lately, wanting no marketing', text, inTouch, noMarketing, text],
    ['no free text to whoever wants nothing', text, inTouch, nothing, out],
    ['the word that this was heard, and nothing but it', confirmation, inTouch, nothing, confirmation],
    ['not even that word once the window is closed', confirmation, longAgo, nothing, 'window_closed'],
    ['no free text to whoever wrote long ago', text, longAgo, none, 'window_closed'],
    ['no free text to whoever never wrote', text, undefined, none, 'window_closed'],
    [
      'the template that stands in',
      { ...text, outsideWindow: template },
      longAgo,
      none,
      { ...template, insteadOf: 'thanks' },
    ],
    ['not even that as marketing', { ...text, outsideWindow: marketing }, longAgo, noMarketing, out],
    [
      'free text itself while the window is open',
      { ...text, outsideWindow: template },
      inTouch,
      none,
      { ...text, outsideWindow: template },
    ],
  ]
  for (const [label, content, known, refused, expected] of cases) {
    it(label, () => expect(permit(content, known, refused)).to.deep.equal(expected))
  }

  it('free text at any time through a provider without a window', () => {
    const permission = permissionFor(text, { refused: none, contact: undefined, serviceWindowMs: undefined, now })
    expect(permission).to.deep.equal({ content: text })
  })

  it('is looked up for messages of one moment together', async () => {
    const lookups: [what: string, count: number][] = []
    const replaced: Content[] = []
    const ask = createPermit({
      consents: async (addresses) => {
        lookups.push(['consents', addresses.length])
        const said = { topic: 'all', isWanted: false, at: now, by: 'word' } as const
        return createConsents([
          { ...said, accountId: 379, address: '+913' },
          { ...said, accountId: 5, address: '+914' },
          { ...said, accountId: 7, address: '+912' },
        ])
      },
      find: async (wanted) => {
        lookups.push(['contacts', wanted.length])
        return wanted.map(({ address }) => (address.phone === '+911' ? inTouch : longAgo))
      },
      replaceContent: async (_, content) => void replaced.push(content),
      serviceWindowMs: (provider) => (provider === 'open' ? undefined : 24 * 3_600_000),
      templateUse: async () => 'usable',
      now: () => now,
    })
    const message = (content: Content, customerPhone = '+912') =>
      ({ content, customerPhone, connectionId: 1, accountId: 379 }) as ClaimedMessage
    const [strict, open] = [
      { provider: 'strict', accountId: 5 },
      { provider: 'open', accountId: 5 },
    ]
    await Promise.all([ask(message(template), strict), ask(message(text), open)])
    expect(lookups, 'no window for a template, nor at a provider without one').to.deep.equal([['consents', 2]])
    const permitted = await Promise.all([
      ask(message(text, '+911'), strict),
      ask(message(text), strict),
      ask(message({ ...text, outsideWindow: template }), strict),
      ask(message(marketing), strict),
      ask(message(template, '+913'), strict),
      ask(message(template, '+914'), strict),
    ])
    expect(lookups.slice(1)).to.have.deep.members([
      ['consents', 6],
      ['contacts', 3],
    ])
    expect(permitted.map((one) => ('content' in one ? one.content.type : one.refusal.code))).to.deep.equal([
      'text',
      'window_closed',
      'template',
      'template',
      'recipient_opted_out',
      'recipient_opted_out',
    ])
    expect(replaced, 'kept before it is said').to.deep.equal([{ ...template, insteadOf: 'thanks' }])
  })

  for (const [use, code] of [
    ['paused', 'template_paused'],
    ['not_approved', 'template_missing'],
  ] as const)
    it(`is given to no template that the provider does not take by now: ${use}`, async () => {
      const replaced: Content[] = []
      const permit = createPermit({
        consents: async () => createConsents([]),
        find: async (wanted) => wanted.map(() => longAgo),
        replaceContent: async (_, content) => void replaced.push(content),
        serviceWindowMs: () => 24 * 3_600_000,
        templateUse: async (connectionId, { name }) => (connectionId === 1 && name === 't' ? use : 'usable'),
        now: () => now,
      })
      const ask = async (content: Content, connectionId = 1) => {
        const said = await permit({ content, connectionId } as ClaimedMessage, { provider: 'strict', accountId: 5 })
        return 'refusal' in said ? said.refusal.code : said.content.type
      }
      expect(await ask(template)).to.equal(code)
      expect(await ask({ ...text, outsideWindow: template }), 'the one that stands in').to.equal(code)
      expect(replaced).to.be.empty
      expect(await ask(template, 2)).to.equal('template')
      expect(await ask({ ...template, template: { name: 'other', language: 'en' } })).to.equal('template')
    })
})
