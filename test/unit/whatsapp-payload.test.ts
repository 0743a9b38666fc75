import { expect } from 'chai'
import type { Content } from '../../src/core/contract/content.ts'
import type { OutgoingMessage } from '../../src/core/contract/provider.ts'
import { messageBody } from '../../src/providers/whatsapp/payload.ts'

const bodyOf = (content: Content, more: Partial<OutgoingMessage> = {}): string =>
  JSON.stringify(messageBody({ phone: '+4915550001111', content, reference: 'ob_01', ...more }))

const head = '{"messaging_product":"whatsapp","recipient_type":"individual","to":"+4915550001111"'
const tail = '"biz_opaque_callback_data":"ob_01"}'

describe('whatsapp payload', () => {
  it('writes a template with positional values and quick-reply payloads', () => {
    const template = { name: 'visit_reminder_v3', language: 'de' }
    const values = { customer: 'Anna', order: '#98079' }
    expect(bodyOf({ type: 'template', template, values, buttons: ['v3:8812:yes', 'v3:8812:no'] })).to.equal(
      `${head},"type":"template","template":{"name":"visit_reminder_v3","language":{"code":"de"},"components":[` +
        '{"type":"body","parameters":[{"type":"text","text":"Anna"},{"type":"text","text":"#98079"}]},' +
        '{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","payload":"v3:8812:yes"}]},' +
        '{"type":"button","sub_type":"quick_reply","index":"1","parameters":[{"type":"payload","payload":"v3:8812:no"}]}' +
        `]},${tail}`,
    )
  })

  it('leaves out the body component without values, and all components without buttons as well', () => {
    const template = { name: 'hello', language: 'en_US' }
    const bare = `${head},"type":"template","template":{"name":"hello","language":{"code":"en_US"}`
    expect(bodyOf({ type: 'template', template, values: {}, buttons: [] })).to.equal(`${bare}},${tail}`)
    expect(bodyOf({ type: 'template', template, values: {}, buttons: ['p'] })).to.equal(
      `${bare},"components":[{"type":"button","sub_type":"quick_reply","index":"0",` +
        `"parameters":[{"type":"payload","payload":"p"}]}]},${tail}`,
    )
  })

  it('makes parameter text acceptable: no line breaks, no tabs, at most four spaces', () => {
    const values = { a: 'one\r\n\ttwo', b: 'x         y', c: 'x    y', d: 'घर 🏠' }
    const body = bodyOf({ type: 'template', template: { name: 't', language: 'hi' }, values, buttons: [] })
    const texts = [...body.matchAll(/"type":"text","text":"([^"]*)"/g)].map(([, text]) => text)
    expect(texts).to.deep.equal(['one two', 'x    y', 'x    y', 'घर 🏠'])
  })

  it('writes text without a preview, and quotes the message that it answers', () => {
    const content = { type: 'text', text: 'Line 1\nhttps://example.com/t/91' } as const
    const text = '"text":{"preview_url":false,"body":"Line 1\\nhttps://example.com/t/91"}'
    expect(bodyOf(content)).to.equal(`${head},"type":"text",${text},${tail}`)
    expect(bodyOf(content, { contextMessageId: 'wamid.IN1' })).to.equal(
      `${head},"type":"text","context":{"message_id":"wamid.IN1"},${text},${tail}`,
    )
  })

  it('writes reply buttons', () => {
    const buttons = [
      { id: 'd:2026-06-23', title: '23 June 2026' },
      { id: 'd:2026-06-24', title: '24 June 2026' },
    ]
    expect(bodyOf({ type: 'buttons', text: 'Which day?', buttons })).to.equal(
      `${head},"type":"interactive","interactive":{"type":"button","body":{"text":"Which day?"},"action":{"buttons":[` +
        '{"type":"reply","reply":{"id":"d:2026-06-23","title":"23 June 2026"}},' +
        `{"type":"reply","reply":{"id":"d:2026-06-24","title":"24 June 2026"}}]}},${tail}`,
    )
  })

  it('writes a link button', () => {
    const content = { type: 'link', text: 'Your address', title: 'Update', url: 'https://example.com/t/91' } as const
    expect(bodyOf(content)).to.equal(
      `${head},"type":"interactive","interactive":{"type":"cta_url","body":{"text":"Your address"},"action":` +
        `{"name":"cta_url","parameters":{"display_text":"Update","url":"https://example.com/t/91"}}},${tail}`,
    )
  })

  describe('recipient', () => {
    const recipient = (address: Pick<OutgoingMessage, 'phone' | 'userId'>) => {
      const message = { content: { type: 'text', text: 'x' }, reference: 'r', ...address } as const
      const { to, recipient: userId } = messageBody(message)
      return { to, userId }
    }

    it('is always written with a plus', () => {
      expect(recipient({ phone: '4915550001111' }).to).to.equal('+4915550001111')
      expect(recipient({ phone: '+49 155 5000-1111' }).to).to.equal('+4915550001111')
    })

    it('is the phone when both are known, else the user id', () => {
      const userId = 'DE.20000000000000001'
      expect(recipient({ phone: '+4915550001111', userId })).to.deep.equal({ to: '+4915550001111', userId: undefined })
      expect(recipient({ userId })).to.deep.equal({ to: undefined, userId })
    })

    it('cannot be nobody', () => expect(() => recipient({})).to.throw(TypeError))
  })
})
