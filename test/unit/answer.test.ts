import { expect } from 'chai'
import type { Content } from '../../src/core/contract/content.ts'
import { answerContent } from '../../src/core/conversations/answer.ts'
import { parseButtonPayload } from '../../src/core/conversations/button-payload.ts'
import type { OwnTexts } from '../../src/core/conversations/flows.ts'
import type { Answer } from '../../src/core/conversations/next-step.ts'
import { linkActions, textKeys } from '../../src/core/notifications/catalog/words.ts'
import { type Action, actions } from '../../src/core/notifications/reason.ts'
import { loadTemplateCatalog } from '../../src/core/notifications/template-catalog.ts'
import { configDir } from '../../src/paths.ts'

const catalog = loadTemplateCatalog(configDir)
const rootReference = 'AbCdEfGhIjKlMnOpQrSt_-'
const linkUrl = 'https://gateway.example.com/track/whatsapp/abc'

const say = (
  answer: Answer,
  language = 'en',
  offered: readonly Action[] = ['reattempt', 'cancel'],
  texts: OwnTexts = {},
): Content =>
  answerContent(catalog, answer, {
    language,
    texts,
    snapshot: { customerName: 'Asha Nair', brand: 'Acme', orderNumber: '#98079' },
    rootReference,
    actions: offered,
    linkUrl,
    linkAction: 'Update address',
  })

/** What WhatsApp takes: https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-reply-buttons-messages */
function expectSendable(content: Content): void {
  if (content.type === 'template') throw new Error('an answer is no template')
  expect(content.text.length).to.be.within(1, content.type === 'text' ? 4_096 : 1_024)
  expect(content.text).to.not.match(/\{\{|undefined|null/)
  if (content.type === 'link') {
    expect(content.title.length).to.be.within(1, 20)
    expect(content.url).to.equal(linkUrl)
  }
  if (content.type === 'buttons') {
    expect(content.buttons.length).to.be.within(1, 3)
    const [ids, titles] = [content.buttons.map(({ id }) => id), content.buttons.map(({ title }) => title)]
    expect(new Set(ids).size).to.equal(ids.length)
    expect(new Set(titles).size).to.equal(titles.length)
    for (const title of titles) expect(title.length).to.be.within(1, 20)
    for (const id of ids) {
      expect(id.length).to.be.at.most(128)
      expect(parseButtonPayload(id)).to.include({ reference: rootReference })
    }
  }
}

const everyMonth = Array.from({ length: 12 }, (_, month) => `2026-${String(month + 1).padStart(2, '0')}-28`)
const triples = actions.flatMap((one) => actions.flatMap((two) => actions.map((three) => [one, two, three])))

for (const language of ['en', 'hi', 'en_US', 'fr']) {
  describe(`answers in ${language}`, () => {
    for (const key of textKeys.filter((name) => name !== 'and_more' && name !== 'reschedule_thanks')) {
      it(`${key} as text`, () => expectSendable(say({ type: 'text', key }, language)))
    }

    it('names the date that was chosen', () => {
      const content = say({ type: 'text', key: 'reschedule_thanks', date: '2026-06-23' }, language)
      expectSendable(content)
      expect(content.type === 'text' && content.text)
        .to.contain('2026')
        .and.to.contain('23')
    })

    it('offers dates as buttons that name date and conversation, in any month', () => {
      for (let month = 0; month < 10; month++) {
        const dates = everyMonth.slice(month, month + 3)
        const content = say({ type: 'dates', key: 'reschedule_question', dates }, language)
        expectSendable(content)
        if (content.type !== 'buttons') throw new Error('no buttons')
        const chosen = content.buttons.map(({ id }) => parseButtonPayload(id))
        expect(chosen).to.deep.equal(dates.map((value) => ({ reference: rootReference, action: 'reschedule', value })))
      }
    })

    for (const key of linkActions) {
      it(`${key} as a link`, () => expectSendable(say({ type: 'link', key }, language)))
    }

    it('offers any three choices again', () => {
      for (const offered of triples.filter((list) => new Set(list).size === 3)) {
        const content = say({ type: 'choices', key: 'choices_again' }, language, offered)
        expectSendable(content)
        if (content.type !== 'buttons') throw new Error('no buttons')
        expect(content.buttons.map(({ id }) => parseButtonPayload(id)?.action)).to.deep.equal(offered)
      }
    })

    it('is plain text where the first message offered nothing', () => {
      const content = say({ type: 'choices', key: 'choices_again' }, language, [])
      expect(content.type).to.equal('text')
      expectSendable(content)
    })
  })
}

describe('answers', () => {
  it('say it in the customer’s language, and in English where there is none', () => {
    const texts = ['en', 'hi', 'fr'].map((language) => say({ type: 'text', key: 'cancel_thanks' }, language))
    expect(texts[0]).to.deep.equal({
      type: 'text',
      text: 'Thank you for your response. As requested by you we will cancel your order. Hope to see you again!',
    })
    expect(texts[1]).to.not.deep.equal(texts[0])
    expect(texts[2]).to.deep.equal(texts[0])
  })

  it('write dates as people do', () => {
    const content = say({ type: 'dates', key: 'reschedule_question', dates: ['2026-06-03', '2026-12-31'] })
    expect(content.type === 'buttons' && content.buttons.map(({ title }) => title)).to.deep.equal([
      '3 June 2026',
      '31 December 2026',
    ])
  })
})

describe('answers in words of an account', () => {
  const texts: OwnTexts = {
    cancel_thanks: { en: 'Done. Bye!' },
    reschedule_thanks: { en: 'See you on {{date}}.', hi: '{{date}} को मिलते हैं।' },
  }
  const textOf = (answer: Answer, language: string) => {
    const content = say(answer, language, [], texts)
    return content.type === 'template' ? undefined : content.text
  }

  it('say what the account says, in the language that it is said in', () => {
    expect(textOf({ type: 'text', key: 'cancel_thanks' }, 'en_US')).to.equal('Done. Bye!')
    const date = '2026-06-23'
    expect(textOf({ type: 'text', key: 'reschedule_thanks', date }, 'en')).to.equal('See you on 23 June 2026.')
    expect(textOf({ type: 'text', key: 'reschedule_thanks', date }, 'hi')).to.equal('23 जून 2026 को मिलते हैं।')
  })

  it('say what everybody says where the account says nothing', () => {
    expect(textOf({ type: 'text', key: 'cancel_thanks' }, 'hi')).to.equal(catalog.text('hi', 'cancel_thanks'))
    expect(textOf({ type: 'text', key: 'reattempt_thanks' }, 'en')).to.equal(catalog.text('en', 'reattempt_thanks'))
  })

  it('carry the template that is sent outside the window, filled', () => {
    const outsideWindow = { name: 'acme_noted', values: ['customer' as const, 'order' as const, 'date' as const] }
    const answer: Answer = { type: 'text', key: 'reschedule_thanks', date: '2026-06-23', outsideWindow }
    expect(say(answer, 'hi')).to.deep.include({
      outsideWindow: {
        type: 'template',
        template: { name: 'acme_noted', language: 'hi' },
        values: { customer: 'Asha Nair', order: '#98079', date: '23 जून 2026' },
        buttons: [],
      },
    })
  })
})
