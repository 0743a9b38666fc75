import { expect } from 'chai'
import fc from 'fast-check'
import type { AccountNews, NewsEffect } from '../../src/core/contract/events.ts'
import { parseEnvelope } from '../../src/providers/whatsapp/envelope.ts'

const now = new Date('2026-11-20T12:00:00Z')
const time = 1790000500

function eventOf(field: string, value: unknown) {
  const entry = { id: '910000000000001', time, changes: [{ field, value }] }
  const [event] = parseEnvelope(Buffer.from(JSON.stringify({ entry: [entry] })), now)
  if (!event) throw new Error('there is no part')
  return event
}

function newsOf(field: string, value: unknown): AccountNews {
  const { part } = eventOf(field, value)
  if (part.type !== 'account_news') throw new Error(JSON.stringify(part))
  return part
}

const template = { name: 'visit_reminder_v3', language: 'de' }
const about = {
  message_template_id: 650000000000001,
  message_template_name: template.name,
  message_template_language: template.language,
}

describe('whatsapp news: templates', () => {
  const statuses: [event: string, use: string | undefined][] = [
    ['APPROVED', 'usable'],
    ['REINSTATED', 'usable'],
    ['UNARCHIVED', 'usable'],
    ['PENDING', 'not_approved'],
    ['IN_APPEAL', 'not_approved'],
    ['REJECTED', 'not_approved'],
    ['PENDING_DELETION', 'not_approved'],
    ['DELETED', 'not_approved'],
    ['ARCHIVED', 'not_approved'],
    ['PAUSED', 'paused'],
    ['DISABLED', 'paused'],
    ['LIMIT_EXCEEDED', 'paused'],
    ['FLAGGED', undefined],
    ['LOCKED', undefined],
    ['A_NEW_ONE', undefined],
    ['constructor', undefined],
  ]
  for (const [event, use] of statuses) {
    it(`${event}: ${use ?? 'changes nothing'}`, () => {
      const { effects } = newsOf('message_template_status_update', { ...about, event, reason: null })
      const expected = { type: 'template_status', template, status: event, ...(use ? { use } : {}) }
      expect(effects).to.deep.equal([expected])
    })
  }

  it('says why in the words of the provider, and carries its time', () => {
    const value = {
      ...about,
      event: 'REJECTED',
      reason: 'INVALID_FORMAT',
      rejection_info: { reason: 'Variables are next to each other.', recommendation: 'Put text between them.' },
    }
    const { summary, severity, at, raw } = newsOf('message_template_status_update', value)
    expect(summary).to.equal(
      'Template visit_reminder_v3 (de) was rejected: INVALID_FORMAT; Variables are next to each other.; Put text between them.',
    )
    expect(severity).to.equal('warning')
    expect(at).to.deep.equal(new Date(time * 1000))
    expect(raw).to.deep.equal(value)
  })

  it('takes a language with a hyphen for the one with an underscore', () => {
    const value = { ...about, message_template_language: 'en-US', event: 'PAUSED' }
    expect(newsOf('message_template_status_update', value).effects[0]).to.deep.include({
      template: { name: template.name, language: 'en_US' },
    })
  })

  it('keeps the present category while a change is announced', () => {
    const coming = { ...about, new_category: 'UTILITY', correct_category: 'MARKETING', category_update_timestamp: 1 }
    const announced = newsOf('template_category_update', coming)
    expect(announced.effects).to.deep.equal([{ type: 'template_category', template, category: 'UTILITY' }])
    expect(announced.summary).to.match(/will become MARKETING; it is still UTILITY/)
    const changed = newsOf('template_category_update', { ...about, new_category: 'MARKETING' })
    expect(changed.effects).to.deep.equal([{ type: 'template_category', template, category: 'MARKETING' }])
  })

  it('reads quality and changed text', () => {
    const quality = newsOf('message_template_quality_update', { ...about, new_quality_score: 'RED' })
    expect(quality).to.deep.include({ severity: 'warning' })
    expect(quality.effects).to.deep.equal([{ type: 'template_quality', template, quality: 'RED' }])
    const text = newsOf('message_template_components_update', { ...about, message_template_element: 'Hello {{1}}.' })
    expect(text.effects).to.deep.equal([{ type: 'template_body', template, body: 'Hello {{1}}.' }])
  })
})

describe('whatsapp news: accounts and numbers', () => {
  const later = now.getTime() / 1000 + 3600
  const restricted = (restriction_type: string, expiration?: number) => ({
    event: 'ACCOUNT_RESTRICTION',
    restriction_info: [{ restriction_type, expiration }],
  })
  const ban = (waba_ban_state: string) => ({ event: 'DISABLED_UPDATE', ban_info: { waba_ban_state } })
  const business = 'RESTRICTED_BIZ_INITIATED_MESSAGING'
  const cases: [label: string, field: string, value: object, severity: string, effects: NewsEffect[]][] = [
    ['a ban', 'account_update', ban('DISABLE'), 'critical', [{ type: 'account_blocked', reason: 'account_banned' }]],
    ['a ban to come', 'account_update', ban('SCHEDULE_FOR_DISABLE'), 'critical', []],
    [
      'the end of a ban',
      'account_update',
      ban('REINSTATE'),
      'info',
      [{ type: 'account_released', reasons: ['account_banned', 'account_restricted'] }],
    ],
    [
      'a restriction for some time',
      'account_update',
      restricted(business, later),
      'critical',
      [{ type: 'account_blocked', reason: 'account_restricted', until: new Date(later * 1000) }],
    ],
    [
      'a restriction without an end',
      'account_update',
      restricted(business),
      'critical',
      [{ type: 'account_blocked', reason: 'account_restricted' }],
    ],
    [
      'a restriction of answers',
      'account_update',
      restricted('RESTRICTED_CUSTOMER_INITIATED_MESSAGING'),
      'warning',
      [],
    ],
    ['a restriction that is over', 'account_update', restricted(business, 1_790_000_000), 'warning', []],
    ['a restriction of new numbers', 'account_update', restricted('RESTRICTED_ADD_PHONE_NUMBER_ACTION'), 'warning', []],
    [
      'a violation',
      'account_update',
      { event: 'ACCOUNT_VIOLATION', violation_info: { violation_type: 'SCAM' } },
      'warning',
      [],
    ],
    [
      'a deletion',
      'account_update',
      { event: 'ACCOUNT_DELETED' },
      'critical',
      [{ type: 'account_blocked', reason: 'account_deleted' }],
    ],
    [
      'a disconnection',
      'account_update',
      { event: 'ACCOUNT_OFFBOARDED' },
      'critical',
      [{ type: 'account_blocked', reason: 'account_offboarded' }],
    ],
    [
      'its end',
      'account_update',
      { event: 'ACCOUNT_RECONNECTED' },
      'info',
      [{ type: 'account_released', reasons: ['account_offboarded'] }],
    ],
    ['a partner that was removed', 'account_update', { event: 'PARTNER_REMOVED' }, 'critical', []],
    ['any other update', 'account_update', { event: 'MM_LITE_TERMS_SIGNED' }, 'info', []],
    [
      'more throughput',
      'phone_number_quality_update',
      { event: 'THROUGHPUT_UPGRADE' },
      'info',
      [{ type: 'sender_limits', messagesPerSecond: 1_000, concurrency: 200 }],
    ],
    [
      'a flagged number',
      'phone_number_quality_update',
      { event: 'FLAGGED' },
      'warning',
      [{ type: 'sender_quality', quality: 'bad' }],
    ],
    [
      'one no longer flagged',
      'phone_number_quality_update',
      { event: 'UNFLAGGED' },
      'info',
      [{ type: 'sender_quality', quality: 'good' }],
    ],
    [
      'a critical alert',
      'account_alerts',
      { alert_info: { alert_severity: 'CRITICAL', alert_status: 'ACTIVE' } },
      'critical',
      [],
    ],
    [
      'an alert that is over',
      'account_alerts',
      { alert_info: { alert_severity: 'CRITICAL', alert_status: 'NONE' } },
      'info',
      [],
    ],
    ['a review', 'account_review_update', { decision: 'REJECTED' }, 'warning', []],
    ['a name', 'phone_number_name_update', { decision: 'APPROVED', requested_verified_name: 'Acme' }, 'info', []],
    ['new limits', 'business_capability_update', { max_daily_conversations_per_business: -1 }, 'info', []],
    ['a changed PIN', 'security', { event: 'PIN_CHANGED', requester: '123' }, 'warning', []],
  ]
  for (const [label, field, value, severity, effects] of cases) {
    it(`${label}: ${severity}`, () => {
      const { part, vendorAccountId } = eventOf(field, value)
      expect(part).to.deep.include({ type: 'account_news', topic: field, severity, effects })
      expect(part.type === 'account_news' && part.summary)
        .to.be.a('string')
        .and.not.match(/undefined|object Object/)
      expect(vendorAccountId).to.equal('910000000000001')
    })
  }

  it('names the number that the news is about', () => {
    const { senderPhone } = eventOf('security', { display_phone_number: '+49 30 555001', event: 'PIN_CHANGED' })
    expect(senderPhone).to.equal('+4930555001')
  })

  it('takes any value of any field without an error', () => {
    const fields = [
      'message_template_status_update',
      'template_category_update',
      'message_template_quality_update',
      'message_template_components_update',
      'account_update',
      'account_alerts',
      'account_review_update',
      'phone_number_name_update',
      'phone_number_quality_update',
      'business_capability_update',
      'security',
      'something_new',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.jsonValue({ maxDepth: 3 }), (field, value) => {
        const { part } = eventOf(field, value)
        expect(part.type).to.equal('account_news')
      }),
    )
  })
})
