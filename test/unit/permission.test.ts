import { expect } from 'chai'
import { type Contact, unknownContact } from '../../src/core/contacts/contact.ts'
import type { Content, TemplateContent } from '../../src/core/contract/content.ts'
import type { ClaimedMessage } from '../../src/core/sending/outgoing-message.ts'
import { createPermissions, permissionFor } from '../../src/core/sending/permission.ts'

const now = new Date('2026-06-20T12:00:00Z')
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000)
const template: TemplateContent = { type: 'template', template: { name: 't', language: 'en' }, values: {}, buttons: [] }
const marketing: TemplateContent = { ...template, isMarketing: true }
const text: Content = { type: 'text', text: 'thanks' }
const contact = (changes: Partial<Contact>): Contact => ({ ...unknownContact(1), ...changes })
const inTouch = contact({ lastInboundAt: hoursAgo(1) })
const longAgo = contact({ lastInboundAt: hoursAgo(24) })
const optedOut = contact({ lastInboundAt: hoursAgo(24), hasOptedOutOfMarketing: true })

const permit = (content: Content, known: Contact | undefined, serviceWindowMs: number | undefined = 24 * 3_600_000) => {
  const permission = permissionFor(content, { contact: known, serviceWindowMs, now })
  return 'content' in permission ? permission.content : permission.refusal.code
}

describe('permission to send', () => {
  const cases: [label: string, content: Content, known: Contact | undefined, expected: Content | string][] = [
    ['a template to anybody', template, undefined, template],
    ['a template to whoever wants no marketing', template, optedOut, template],
    ['marketing to whoever said nothing', marketing, undefined, marketing],
    ['no marketing to whoever wants none', marketing, optedOut, 'recipient_opted_out'],
    [
      'free text to whoever wrote lately, wanting no marketing',
      text,
      contact({ ...inTouch, hasOptedOutOfMarketing: true }),
      text,
    ],
    ['no free text to whoever wrote long ago', text, longAgo, 'window_closed'],
    ['no free text to whoever never wrote', text, undefined, 'window_closed'],
    [
      'the template that stands in',
      { ...text, outsideWindow: template },
      longAgo,
      { ...template, insteadOf: 'thanks' },
    ],
    ['not even that as marketing', { ...text, outsideWindow: marketing }, optedOut, 'recipient_opted_out'],
    [
      'free text itself while the window is open',
      { ...text, outsideWindow: template },
      inTouch,
      { ...text, outsideWindow: template },
    ],
  ]
  for (const [label, content, known, expected] of cases) {
    it(label, () => expect(permit(content, known)).to.deep.equal(expected))
  }

  it('free text at any time through a provider without a window', () => {
    const permission = permissionFor(text, { contact: undefined, serviceWindowMs: undefined, now })
    expect(permission).to.deep.equal({ content: text })
  })

  it('is looked up for messages that depend on it, those of one moment together', async () => {
    const lookups: number[] = []
    const replaced: Content[] = []
    const permissions = createPermissions({
      find: async (wanted) => {
        lookups.push(wanted.length)
        return wanted.map(({ address }) => (address.phone === '+911' ? inTouch : longAgo))
      },
      replaceContent: async (_, content) => void replaced.push(content),
      serviceWindowMs: (provider) => (provider === 'open' ? undefined : 24 * 3_600_000),
      templateUse: async () => 'usable',
      now: () => now,
    })
    const message = (content: Content, customerPhone = '+912') =>
      ({ content, customerPhone, connectionId: 1 }) as ClaimedMessage
    await Promise.all([permissions.permit(message(template), 'strict'), permissions.permit(message(text), 'open')])
    expect(lookups, 'templates cost nothing, nor does a provider without a window').to.be.empty
    const permitted = await Promise.all([
      permissions.permit(message(text, '+911'), 'strict'),
      permissions.permit(message(text), 'strict'),
      permissions.permit(message({ ...text, outsideWindow: template }), 'strict'),
      permissions.permit(message(marketing), 'strict'),
    ])
    expect(lookups).to.deep.equal([4])
    expect(permitted.map((one) => ('content' in one ? one.content.type : one.refusal.code))).to.deep.equal([
      'text',
      'window_closed',
      'template',
      'template',
    ])
    expect(replaced, 'kept before it is said').to.deep.equal([{ ...template, insteadOf: 'thanks' }])
  })

  for (const [use, code] of [
    ['paused', 'template_paused'],
    ['not_approved', 'template_missing'],
  ] as const)
    it(`is given to no template that the provider does not take by now: ${use}`, async () => {
      const replaced: Content[] = []
      const permissions = createPermissions({
        find: async (wanted) => wanted.map(() => longAgo),
        replaceContent: async (_, content) => void replaced.push(content),
        serviceWindowMs: () => 24 * 3_600_000,
        templateUse: async (connectionId, { name }) => (connectionId === 1 && name === 't' ? use : 'usable'),
        now: () => now,
      })
      const ask = async (content: Content, connectionId = 1) => {
        const said = await permissions.permit({ content, connectionId } as ClaimedMessage, 'strict')
        return 'refusal' in said ? said.refusal.code : said.content.type
      }
      expect(await ask(template)).to.equal(code)
      expect(await ask({ ...text, outsideWindow: template }), 'the one that stands in').to.equal(code)
      expect(replaced).to.be.empty
      expect(await ask(template, 2)).to.equal('template')
      expect(await ask({ ...template, template: { name: 'other', language: 'en' } })).to.equal('template')
    })
})
