import { expect } from 'chai'
import fc from 'fast-check'
import type { CustomerReply, DeliveryReport, InboundEvent, InboundPart } from '../../src/core/contract/events.ts'
import { verifyWebhook } from '../../src/providers/meta/webhook.ts'
import { parseEnvelope } from '../../src/providers/whatsapp/envelope.ts'

const now = new Date('2026-11-20T12:00:00Z')
const metadata = { display_phone_number: '4930555001', phone_number_id: '810000000000001' }

const webhookOf = (...changes: unknown[]): Buffer =>
  Buffer.from(JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '910000000000001', changes }] }))

const messagesChange = (value: object) => ({
  field: 'messages',
  value: { messaging_product: 'whatsapp', metadata, ...value },
})

const eventsOf = (...changes: unknown[]): InboundEvent[] => parseEnvelope(webhookOf(...changes), now)
const partsOf = (value: object): InboundPart[] => eventsOf(messagesChange(value)).map(({ part }) => part)

function reportOf(status: object): DeliveryReport {
  const [part] = partsOf({ statuses: [status] })
  if (part?.type !== 'report') throw new Error(JSON.stringify(part))
  return part
}

function replyOf(message: object, contacts: unknown[] = []): CustomerReply {
  const [part] = partsOf({ messages: [message], contacts })
  if (part?.type !== 'reply') throw new Error(JSON.stringify(part))
  return part
}

/** What came out, without the fields that every example has in common. */
function saidBy(message: object) {
  const { type: _type, raw, from: _from, at: _at, messageId: _id, ...said } = replyOf(message)
  expect(raw).to.deep.equal(message)
  return said
}

const inbound = { from: '4915550001111', id: 'wamid.HBgNIN0001', timestamp: '1790000300' }
const outbound = { id: 'wamid.HBgNOUT0001', status: 'sent', timestamp: '1790000100', recipient_id: '4915550001111' }
const contextOf = (id: string) => ({ context: { from: '4930555001', id } })

describe('meta webhook: signature', () => {
  const secret = 'test_app_secret_0001'
  const signed = String.raw`{"object":"whatsapp_business_account","entry":[{"id":"910000000000001","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"4930555001","phone_number_id":"810000000000001"},"contacts":[{"profile":{"name":"J\u00fcrgen"},"wa_id":"4915550001111"}],"messages":[{"from":"4915550001111","id":"wamid.TESTVECTOR0001","timestamp":"1790000000","text":{"body":"Gr\u00fc\u00dfe https:\/\/example.com\/a"},"type":"text"}]},"field":"messages"}]}]}`
  const headers = { 'x-hub-signature-256': 'sha256=3028c3dc33db0d81c51ed69d68aa888b09c8137afbf58ebe0e3c785459455fc7' }
  const connection = { id: '1', credentials: { appSecret: secret } }
  const verify = (body: string) => verifyWebhook({ headers, body: Buffer.from(body) }, [connection])

  it('holds for the bytes on the wire and not for the same JSON written again', () => {
    expect(Buffer.byteLength(signed)).to.equal(468)
    expect(verify(signed)).to.equal(true)
    const again = JSON.stringify(JSON.parse(signed))
    expect(Buffer.byteLength(again)).to.equal(453)
    expect(verify(again)).to.equal(false)
  })

  it('and those bytes read as what the customer wrote', () => {
    const [event] = parseEnvelope(Buffer.from(signed), now)
    expect(event?.senderId).to.equal('810000000000001')
    expect(event?.part).to.include({ value: 'Grüße https://example.com/a', profileName: 'Jürgen' })
  })
})

describe('whatsapp webhook: reports', () => {
  const pricing = { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' }
  const priced = { model: 'PMP', type: 'regular', category: 'utility', isBillable: true }
  const common = { recipient_user_id: 'DE.20000000000000001', biz_opaque_callback_data: 'ob_01JD80' }

  it('reads sent, delivered and read of one batch', () => {
    const statuses = [
      { ...outbound, ...common, pricing },
      { ...outbound, ...common, status: 'delivered', timestamp: '1790000102', pricing },
      { ...outbound, ...common, status: 'read', timestamp: '1790000160' },
    ]
    const contacts = [{ profile: { name: 'Anna' }, wa_id: '4915550001111', user_id: 'DE.20000000000000001' }]
    const same = {
      type: 'report',
      messageId: 'wamid.HBgNOUT0001',
      reference: 'ob_01JD80',
      recipient: { phone: '+4915550001111', userId: 'DE.20000000000000001' },
    }
    const at = (seconds: number) => new Date(seconds * 1000)
    const [sent, delivered, read] = statuses
    expect(partsOf({ contacts, statuses })).to.deep.equal([
      { ...same, status: 'sent', vendorStatus: 'sent', at: at(1790000100), pricing: priced, raw: sent },
      { ...same, status: 'delivered', vendorStatus: 'delivered', at: at(1790000102), pricing: priced, raw: delivered },
      { ...same, status: 'read', vendorStatus: 'read', at: at(1790000160), raw: read },
    ])
  })

  it("reads a failure with Meta's code and words", () => {
    const details = 'Message failed to send because more than 24 hours have passed.'
    const error = { code: 131047, title: 'Re-engagement message', message: 'Re-engagement message' }
    const failed = { ...outbound, status: 'failed', errors: [{ ...error, error_data: { details } }] }
    expect(reportOf(failed).failure).to.deep.equal({ code: 'window_closed', vendorCode: '131047', detail: details })
    expect(reportOf({ ...failed, errors: [error] }).failure?.detail).to.equal('Re-engagement message')
  })

  it('reads a failure whose error is absent, empty, zero or unknown', () => {
    const failures = [undefined, [], [{}], [{ code: 0 }], [{ code: 987654 }], 'x', [null]].map((errors) =>
      reportOf({ ...outbound, status: 'failed', errors }),
    )
    for (const { failure, status } of failures) {
      expect(status).to.equal('failed')
      expect(failure?.code).to.equal('unknown_refusal')
    }
  })

  it('reads an old style status with its conversation', () => {
    const conversation = { id: 'c0ffee', expiration_timestamp: '1790086600', origin: { type: 'referral_conversion' } }
    const free = { billable: false, pricing_model: 'PMP', type: 'free_entry_point', category: 'referral_conversion' }
    const status = { ...outbound, conversation, pricing: free }
    expect(reportOf(status)).to.deep.include({ status: 'sent', raw: status })
    expect(reportOf(status).pricing).to.deep.equal({
      model: 'PMP',
      type: 'free_entry_point',
      category: 'referral_conversion',
      isBillable: false,
      conversationId: 'c0ffee',
      conversationOrigin: 'referral_conversion',
    })
  })

  it('says nothing of the price where the report does not, or says it in another shape', () => {
    for (const pricing of [undefined, null, {}, [], 'free', { billable: 'true', category: {} }])
      expect(reportOf({ ...outbound, pricing })).not.to.have.property('pricing')
  })

  it('takes played for read, and gives no meaning to words it does not know', () => {
    expect(reportOf({ ...outbound, status: 'played' })).to.include({ status: 'read', vendorStatus: 'played' })
    for (const word of ['deleted', 'warning', 'constructor', '__proto__', 'SENT']) {
      expect(reportOf({ ...outbound, status: word }))
        .to.include({ vendorStatus: word })
        .and.not.have.property('status')
    }
  })

  it('reads recipients without a phone, by any spelling of the user id', () => {
    const { recipient_id: _, ...nameless } = outbound
    const recipient = (more: object) => reportOf({ ...nameless, ...more }).recipient
    const userId = 'DE.20000000000000001'
    expect(recipient({ recipient_user_id: userId })).to.deep.equal({ userId })
    expect(recipient({ recipient_parent_user_id: 'DE.ENT.3' })).to.deep.equal({ userId: 'DE.ENT.3' })
    expect(recipient({ parent_recipient_user_id: 'DE.ENT.3' })).to.deep.equal({ userId: 'DE.ENT.3' })
    expect(recipient({ recipient_id: userId })).to.deep.equal({ userId })
    expect(recipient({})).to.deep.equal({})
  })

  it('does not take a group for a phone', () => {
    const group = { ...outbound, recipient_id: 'Y2FwaV9ncm91cDox', recipient_type: 'group' }
    expect(reportOf(group).recipient).to.deep.equal({})
    const participant = { ...group, recipient_participant_id: '4915550001111' }
    expect(reportOf(participant).recipient).to.deep.equal({ phone: '+4915550001111' })
  })
})

describe('whatsapp webhook: times', () => {
  const cases: [label: string, timestamp: unknown, at: string | undefined][] = [
    ['text', '1790000100', '2026-09-21T14:15:00.000Z'],
    ['a number', 1790000100, '2026-09-21T14:15:00.000Z'],
    ['ten minutes ahead', '1795176600', '2026-11-20T12:10:00.000Z'],
    ['more than ten minutes ahead', '1795176601', undefined],
    ['the first of 2009', '1230768000', '2009-01-01T00:00:00.000Z'],
    ['before 2009', '1230767999', undefined],
    ['milliseconds', '1790000100000', undefined],
    ['zero', 0, undefined],
    ['negative', -1790000100, undefined],
    ['a fraction', 1790000100.5, undefined],
    ['words', 'yesterday', undefined],
    ['nothing', undefined, undefined],
    ['an object', {}, undefined],
  ]
  for (const [label, timestamp, at] of cases) {
    it(`${label}: ${at ?? 'left out'}`, () => {
      expect(reportOf({ ...outbound, timestamp }).at?.toISOString()).to.equal(at)
      expect(replyOf({ ...inbound, type: 'text', timestamp }).at?.toISOString()).to.equal(at)
    })
  }
})

describe('whatsapp webhook: replies', () => {
  it('reads a text with sender, name, time and the message it answers', () => {
    const message = {
      ...inbound,
      from_user_id: 'DE.20000000000000001',
      type: 'text',
      text: { body: 'Yes, I will come' },
      ...contextOf('wamid.HBgNOUT0001'),
    }
    const profile = { name: 'Anna', username: 'anna.k' }
    const contact = { profile, wa_id: '4915550001111', user_id: 'DE.20000000000000001' }
    expect(replyOf(message, [contact])).to.deep.equal({
      type: 'reply',
      messageId: 'wamid.HBgNIN0001',
      replyType: 'text',
      value: 'Yes, I will come',
      contextMessageId: 'wamid.HBgNOUT0001',
      from: { phone: '+4915550001111', userId: 'DE.20000000000000001' },
      profileName: 'Anna',
      at: new Date(1790000300000),
      raw: message,
    })
  })

  const media = { mime_type: 'image/jpeg', sha256: 'q1w2e3r4', id: '720000000000001' }
  const listReply = { id: 's:1000', title: '10:00', description: 'Main office' }
  const cards = [
    { name: { formatted_name: 'Asha Nair' }, phones: [{ phone: '+91 98100 12345', type: 'CELL' }, {}] },
    { name: {} },
    { phones: [{ phone: '+49 30 555002' }] },
  ]
  const flow = { name: 'flow', body: 'Sent', response_json: '{"flow_token":"ft_1","rating":"5"}' }
  const edited = { type: 'text', text: { body: 'No, Tuesday' } }
  const cases: [label: string, message: object, said: object][] = [
    [
      'a template button',
      { type: 'button', button: { payload: 'v3:8812:yes', text: 'Yes' }, ...contextOf('wamid.OUT1') },
      { replyType: 'button', value: 'Yes', buttonId: 'v3:8812:yes', contextMessageId: 'wamid.OUT1' },
    ],
    [
      'a template button without context',
      { type: 'button', button: { payload: 'v3:8812:yes', text: 'Yes' } },
      { replyType: 'button', value: 'Yes', buttonId: 'v3:8812:yes' },
    ],
    [
      'a reply button',
      {
        type: 'interactive',
        interactive: { type: 'button_reply', button_reply: { id: 'v:no', title: 'No' } },
        ...contextOf('wamid.OUT4'),
      },
      { replyType: 'button_reply', value: 'No', buttonId: 'v:no', contextMessageId: 'wamid.OUT4' },
    ],
    [
      'a list entry',
      { type: 'interactive', interactive: { type: 'list_reply', list_reply: listReply } },
      { replyType: 'list_reply', value: '10:00', buttonId: 's:1000' },
    ],
    [
      'a form',
      { type: 'interactive', interactive: { type: 'nfm_reply', nfm_reply: flow } },
      { replyType: 'nfm_reply', value: 'Sent' },
    ],
    [
      'an answer to a call request',
      {
        type: 'interactive',
        interactive: { type: 'call_permission_reply', call_permission_reply: { response: 'accept' } },
      },
      { replyType: 'call_permission_reply', value: 'accept' },
    ],
    [
      'interactive without its object',
      { type: 'interactive', errors: [{ code: 131000 }] },
      { replyType: 'interactive' },
    ],
    ['an unknown interactive', { type: 'interactive', interactive: { type: 'wave' } }, { replyType: 'wave' }],
    ['an image', { type: 'image', image: { ...media, caption: 'Meter' } }, { replyType: 'image', value: 'Meter' }],
    ['an image without caption', { type: 'image', image: media }, { replyType: 'image' }],
    ['a video', { type: 'video', video: { ...media, caption: 'Door' } }, { replyType: 'video', value: 'Door' }],
    [
      'a document by its caption',
      { type: 'document', document: { ...media, filename: 'id.pdf', caption: 'My id' } },
      { replyType: 'document', value: 'My id' },
    ],
    [
      'a document by its name',
      { type: 'document', document: { ...media, filename: 'id.pdf' } },
      { replyType: 'document', value: 'id.pdf' },
    ],
    ['a voice message', { type: 'audio', audio: { ...media, voice: true } }, { replyType: 'audio' }],
    ['a sticker', { type: 'sticker', sticker: { ...media, animated: false } }, { replyType: 'sticker' }],
    [
      'a location',
      { type: 'location', location: { latitude: 52.5163, longitude: 13.3777, name: 'Gate' } },
      { replyType: 'location', value: '52.5163,13.3777' },
    ],
    [
      'a location at zero, as text',
      { type: 'location', location: { latitude: 0, longitude: '-0.5' } },
      { replyType: 'location', value: '0,-0.5' },
    ],
    ['half a location', { type: 'location', location: { latitude: 1 } }, { replyType: 'location' }],
    [
      'shared contacts',
      { type: 'contacts', contacts: cards },
      { replyType: 'contacts', value: 'Asha Nair +91 98100 12345; +49 30 555002' },
    ],
    [
      'a reaction',
      { type: 'reaction', reaction: { message_id: 'wamid.OUT1', emoji: '\ud83d\udc4d' } },
      { replyType: 'reaction', value: '👍', contextMessageId: 'wamid.OUT1' },
    ],
    [
      'a reaction taken back, without emoji',
      { type: 'reaction', reaction: { message_id: 'wamid.OUT1' } },
      { replyType: 'reaction', contextMessageId: 'wamid.OUT1' },
    ],
    [
      'a reaction taken back, with an empty emoji',
      { type: 'reaction', reaction: { message_id: 'wamid.OUT1', emoji: '' } },
      { replyType: 'reaction', contextMessageId: 'wamid.OUT1' },
    ],
    [
      'an order',
      { type: 'order', order: { catalog_id: 'c1', text: 'Two please', product_items: [] } },
      { replyType: 'order', value: 'Two please' },
    ],
    [
      'other news about the customer',
      { type: 'system', system: { body: 'Security code changed', type: 'customer_identity_changed' } },
      { replyType: 'system', value: 'Security code changed' },
    ],
    [
      'an unsupported message',
      { type: 'unsupported', errors: [{ code: 131051 }], unsupported: { type: 'poll_creation' } },
      { replyType: 'unsupported', value: 'poll_creation' },
    ],
    [
      'an edited text',
      { type: 'edit', edit: { original_message_id: 'wamid.IN0', message: edited } },
      { replyType: 'edit', value: 'No, Tuesday', contextMessageId: 'wamid.IN0' },
    ],
    [
      'a revoked message',
      { type: 'revoke', revoke: { original_message_id: 'wamid.IN0' } },
      { replyType: 'revoke', contextMessageId: 'wamid.IN0' },
    ],
    ['an unknown type', { type: 'hologram', hologram: { caption: 'x' } }, { replyType: 'hologram' }],
    ['a type named like an inherited field', { type: 'constructor' }, { replyType: 'constructor' }],
    ['no type', {}, { replyType: 'unknown' }],
    ['a type whose object is missing', { type: 'text' }, { replyType: 'text' }],
    ['a type whose object is a text', { type: 'button', button: 'Yes' }, { replyType: 'button' }],
    [
      'a text that came from an advertisement',
      { type: 'text', text: { body: 'Hi' }, referral: { source_type: 'ad' } },
      { replyType: 'text', value: 'Hi' },
    ],
  ]
  for (const [label, message, said] of cases) {
    it(`reads ${label}`, () => expect(saidBy({ ...inbound, ...message })).to.deep.equal(said))
  }

  it('reads senders without a phone, and a user id in the place of a phone', () => {
    const userId = 'DE.20000000000000001'
    expect(replyOf({ id: 'wamid.1', type: 'text', from_user_id: userId }).from).to.deep.equal({ userId })
    expect(replyOf({ id: 'wamid.1', type: 'text', from: userId }).from).to.deep.equal({ userId })
    expect(replyOf({ id: 'wamid.1', type: 'text', from_parent_user_id: 'DE.ENT.3' }).from).to.deep.equal({
      userId: 'DE.ENT.3',
    })
    expect(replyOf({ id: 'wamid.1', type: 'text' }).from).to.deep.equal({})
  })

  it('finds the name of the right person among several, by phone or user id', () => {
    const contacts = [
      null,
      { profile: { name: 'Ravi' }, wa_id: '919810012345' },
      { profile: { name: 'Anna' }, wa_id: '4915550001111' },
      { profile: { name: 'Mira' }, user_id: 'IN.7' },
    ]
    expect(replyOf(inbound, contacts).profileName).to.equal('Anna')
    expect(replyOf({ id: 'wamid.1', from_user_id: 'IN.7' }, contacts).profileName).to.equal('Mira')
    expect(replyOf({ id: 'wamid.1' }, contacts)).not.to.have.property('profileName')
  })
})

describe('whatsapp webhook: batches', () => {
  const typesOf = (events: InboundEvent[]) => events.map(({ part }) => part.type)

  it('reads all entries, changes and lists, each element addressed to its own number', () => {
    const other = { field: 'messages', value: { metadata: { phone_number_id: 820000000000002 }, messages: [inbound] } }
    const body = {
      entry: [{ changes: [messagesChange({ statuses: [outbound, outbound] }), other] }, { changes: [other] }],
    }
    const events = parseEnvelope(Buffer.from(JSON.stringify(body)), now)
    expect(typesOf(events)).to.deep.equal(['report', 'report', 'reply', 'reply'])
    expect(events.map(({ senderId }) => senderId)).to.deep.equal([
      '810000000000001',
      '810000000000001',
      '820000000000002',
      '820000000000002',
    ])
  })

  it('parks each unreadable element with its reason and its own raw form', () => {
    const bad = [null, 7, 'x', [], {}, { id: 'wamid.1' }, { status: 'sent' }]
    const parts = partsOf({ statuses: [...bad, outbound], messages: [...bad.slice(0, 5), inbound] })
    expect(parts.filter(({ type }) => type !== 'unreadable').map(({ type }) => type)).to.deep.equal(['report', 'reply'])
    const parked = parts.flatMap((part) => (part.type === 'unreadable' ? [part] : []))
    expect(parked.map(({ raw }) => raw)).to.deep.equal([...bad, ...bad.slice(0, 5)])
    for (const { why } of parked) expect(why).to.be.a('string').and.not.equal('')
  })

  it('parks entries, changes, values and lists that are none, and keeps their siblings', () => {
    const good = { changes: [messagesChange({ statuses: [outbound] })] }
    const entry = [null, {}, { changes: 'x' }, { changes: [null, {}, { field: 'messages' }] }, good]
    const events = parseEnvelope(Buffer.from(JSON.stringify({ entry })), now)
    expect(typesOf(events)).to.deep.equal([...Array(6).fill('unreadable'), 'report'])
    expect(typesOf(eventsOf(messagesChange({ statuses: {}, messages: [inbound] })))).to.deep.equal([
      'unreadable',
      'reply',
    ])
  })

  it('tells errors of the whole number, unknown fields and empty values as news, and counts tests', () => {
    const unknown = { field: 'flows', value: { metadata, event: 'FLOW_STATUS_CHANGE' } }
    const errors = [{ code: 130429, title: 'Rate limit hit' }, {}]
    const events = eventsOf(unknown, messagesChange({ errors }), messagesChange({}))
    const shown = events.map(({ part }) => (part.type === 'account_news' ? [part.topic, part.summary] : part))
    expect(shown).to.deep.equal([
      ['flows', 'News of a kind that is not known here: flows'],
      ['errors', 'WhatsApp reports error 130429: Rate limit hit'],
      ['errors', 'WhatsApp reports error without a code'],
      ['messages', 'News of a kind that is not known here: messages'],
    ])
    expect(events[0]).to.include({ senderId: '810000000000001', vendorAccountId: '910000000000001' })
    const test = { entry: [{ id: '0', changes: [messagesChange({ statuses: [outbound] })] }] }
    const ignored = [{ part: { type: 'ignored', topic: 'test' } }]
    expect(parseEnvelope(Buffer.from(JSON.stringify(test)), now)).to.deep.equal(ignored)
  })

  it('takes no harm from names that reach for prototypes', () => {
    const poison =
      '{"__proto__":{"polluted":1,"status":"read"},"constructor":{"prototype":{"polluted":1}},"id":"wamid.1"}'
    const value = `{"__proto__":{"messages":[]},"statuses":[${poison}],"messages":[${poison}]}`
    const body = `{"__proto__":{"x":1},"entry":[{"changes":[{"field":"messages","value":${value}}]}]}`
    const events = parseEnvelope(Buffer.from(body), now)
    expect(typesOf(events)).to.deep.equal(['unreadable', 'reply'])
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined)
  })

  it('never throws for a body that has entries, and gives every element one part', () => {
    const anything = fc.jsonValue({ maxDepth: 3 })
    const types = [
      'text',
      'button',
      'interactive',
      'image',
      'location',
      'contacts',
      'reaction',
      'edit',
      'revoke',
      'order',
    ]
    const typed = fc
      .constantFrom(...types)
      .chain((type) =>
        fc.record({ id: fc.constant('wamid.1'), type: fc.constant(type), [type]: anything, context: anything }),
      )
    const element = fc.oneof(anything, typed)
    const list = fc.array(element, { maxLength: 5 })
    fc.assert(
      fc.property(list, list, anything, (statuses, messages, contacts) => {
        const count = partsOf({ statuses, messages, contacts }).length
        expect(count).to.equal(Math.max(statuses.length + messages.length, 1))
      }),
    )
    fc.assert(
      fc.property(fc.array(anything), (entry) => void parseEnvelope(Buffer.from(JSON.stringify({ entry })), now)),
    )
  })
})
