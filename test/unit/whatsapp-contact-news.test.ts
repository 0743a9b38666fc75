import { expect } from 'chai'
import type { ContactNews, InboundPart } from '../../src/core/contract/events.ts'
import { parseEnvelope } from '../../src/providers/whatsapp/envelope.ts'

const now = new Date('2026-11-20T12:00:00Z')
const metadata = { display_phone_number: '4930555001', phone_number_id: '810000000000001' }
const at = new Date(1_790_000_600_000)

function partsOf(field: string, value: object): InboundPart[] {
  const changes = [{ field, value: { messaging_product: 'whatsapp', metadata, ...value } }]
  const body = { object: 'whatsapp_business_account', entry: [{ id: '910000000000001', changes }] }
  return parseEnvelope(Buffer.from(JSON.stringify(body)), now).map((event) => {
    expect(event.senderId).to.equal('810000000000001')
    return event.part
  })
}

function newsOf(field: string, value: object): Omit<ContactNews, 'raw' | 'type'> {
  const [part, ...others] = partsOf(field, value)
  expect(others).to.be.empty
  if (part?.type !== 'contact_news') throw new Error(JSON.stringify(part))
  const { raw, type: _, ...news } = part
  expect(raw).to.be.an('object')
  return news
}

const preference = {
  wa_id: '4915550001111',
  user_id: 'DE.20000000000000001',
  detail: 'User requested to stop marketing messages',
  category: 'marketing_messages',
  value: 'stop',
  timestamp: 1_790_000_600,
}
const customer = { phone: '+4915550001111', userId: 'DE.20000000000000001' }
const system = (more: object, from: object = { from: '4915550001111' }) => ({
  messages: [{ ...from, id: 'wamid.IN9', timestamp: '1790000600', type: 'system', system: more }],
})
const echo = {
  from: '4930555001',
  to: '4915550001111',
  to_user_id: 'DE.20000000000000001',
  id: 'wamid.ECHO1',
  timestamp: '1790000600',
  type: 'text',
  text: { body: 'Sent by hand from the phone' },
}

describe('whatsapp webhook: news about customers', () => {
  for (const [value, news] of [
    ['stop', 'marketing_stopped'],
    ['resume', 'marketing_resumed'],
    ['signup', 'marketing_resumed'],
  ]) {
    it(`reads the wish "${value}"`, () => {
      const read = newsOf('user_preferences', { user_preferences: [{ ...preference, value }] })
      const newsId = `+4915550001111/DE.20000000000000001/${value}/1790000600`
      expect(read).to.deep.equal({ news, newsId, customer, at })
    })
  }

  it('reads a new user id, and whose it is', () => {
    const update = {
      wa_id: '4915550001111',
      user_id: { previous: 'DE.20000000000000001', current: 'DE.20000000000000002' },
      timestamp: '1790000600',
    }
    expect(newsOf('user_id_update', { user_id_update: [update] })).to.deep.equal({
      news: 'moved',
      newsId: 'DE.20000000000000001/DE.20000000000000002/1790000600',
      customer,
      movedTo: { userId: 'DE.20000000000000002' },
      at,
    })
  })

  const moves: [label: string, said: object, from: object | undefined, expected: object][] = [
    [
      'a new number',
      { type: 'user_changed_number', body: 'User changed', wa_id: '4915550003333', user_id: 'DE.3' },
      undefined,
      { customer: { phone: '+4915550001111' }, movedTo: { phone: '+4915550003333', userId: 'DE.3' } },
    ],
    [
      'a new number in the old spelling',
      { type: 'customer_changed_number', customer: '4915550001111', new_wa_id: '4915550003333' },
      {},
      { customer: { phone: '+4915550001111' }, movedTo: { phone: '+4915550003333' } },
    ],
    [
      'a new user id of somebody without a number',
      { type: 'user_changed_user_id', user_id: 'DE.2' },
      { from_user_id: 'DE.1' },
      { customer: { userId: 'DE.1' }, movedTo: { userId: 'DE.2' } },
    ],
  ]
  for (const [label, said, from, expected] of moves) {
    it(`reads ${label} as a move, not as a message`, () => {
      expect(newsOf('messages', system(said, from))).to.deep.equal({
        news: 'moved',
        newsId: 'wamid.IN9',
        at,
        ...expected,
      })
    })
  }

  it('takes a move that does not say where to for a message', () => {
    const [part] = partsOf('messages', system({ type: 'user_changed_number', body: 'x' }))
    expect(part).to.include({ type: 'reply', replyType: 'system' })
  })

  it('reads what a person wrote on the business phone', () => {
    expect(newsOf('smb_message_echoes', { message_echoes: [echo] })).to.deep.equal({
      news: 'human_wrote',
      newsId: 'wamid.ECHO1',
      customer,
      message: { id: 'wamid.ECHO1', type: 'text', value: 'Sent by hand from the phone' },
      at,
    })
  })

  it('keeps what it cannot read, and goes on with its siblings', () => {
    const parts = partsOf('smb_message_echoes', {
      message_echoes: [7, { ...echo, to: undefined, to_user_id: undefined }, { ...echo, id: '' }, echo],
    })
    expect(parts.map(({ type }) => type)).to.deep.equal(['unreadable', 'unreadable', 'unreadable', 'contact_news'])
    const wrong = [{ value: 'stop' }, { ...preference, value: 'maybe' }, { ...preference, category: 'calls' }]
    expect(partsOf('user_preferences', { user_preferences: wrong }).map(({ type }) => type)).to.deep.equal([
      'unreadable',
      'account_news',
      'account_news',
    ])
    expect(
      partsOf('user_id_update', { user_id_update: [{ wa_id: '49155' }, {}] }).map(({ type }) => type),
    ).to.deep.equal(['unreadable', 'unreadable'])
    expect(partsOf('user_id_update', { user_id_update: 'x' }).map(({ type }) => type)).to.deep.equal(['unreadable'])
  })
})
