import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { RegistrationForm } from '../../src/core/contract/templates.ts'
import { fdrVariables } from '../../src/core/notifications/kinds/fdr-content.ts'
import { actions } from '../../src/core/notifications/reason.ts'
import { loadTemplateCatalog } from '../../src/core/notifications/template-catalog.ts'

const configDir = fileURLToPath(new URL('../../config', import.meta.url))
const catalog = loadTemplateCatalog(configDir)

const buttons: Readonly<Record<string, readonly string[]>> = {
  customer_unreachable: ['add_alternate_number', 'reattempt', 'report_fake_delivery'],
  address_issue: ['update_address', 'add_alternate_number', 'cancel'],
  rejected_by_customer: ['reattempt', 'report_fake_delivery', 'cancel'],
  customer_unavailable: ['reschedule', 'reattempt', 'report_fake_delivery'],
  delivery_rescheduled: ['reschedule', 'report_fake_delivery', 'cancel'],
  out_of_delivery_area: ['update_address', 'cancel'],
  payment_issue: ['reattempt', 'reschedule', 'cancel'],
  otp_cancellation: ['reattempt', 'report_fake_delivery', 'cancel'],
  open_delivery: ['reattempt', 'cancel'],
}

const bodyOf = (form: RegistrationForm) => {
  const body = form.components.find((component) => component.type === 'BODY')
  if (body?.type !== 'BODY') throw new Error('no body')
  return body
}
const repliesOf = (form: RegistrationForm): string[] =>
  form.components.flatMap((component) =>
    component.type === 'BUTTONS' ? component.buttons.map(({ text }) => text) : [],
  )

describe('template catalog', () => {
  it('has the nine reasons and the purchase order', () =>
    expect(catalog.keys).to.include.members([
      ...Object.keys(buttons).map((reason) => `fdr_${reason}`),
      'po_notification',
    ]))

  for (const language of ['en', 'hi']) {
    for (const [reason, actionKeys] of Object.entries(buttons)) {
      it(`fdr_${reason}.${language} has variables and buttons in the fixed order`, () => {
        const template = catalog.template(`fdr_${reason}`, language)
        expect(template).to.include({ language, category: 'UTILITY' })
        const variables = fdrVariables(reason).map(({ name }) => name)
        expect(template.variables).to.deep.equal(variables)
        expect(template.source.match(/(?<=\{\{)\w+/g)).to.deep.equal(variables)
        expect(template.buttons.map(({ action }) => action)).to.deep.equal(actionKeys)
      })
    }
    it(`po_notification.${language} has its variables and no buttons`, () => {
      const { variables, buttons: none } = catalog.template('po_notification', language)
      expect(variables).to.deep.equal(['supplier', 'po_number', 'total_amount'])
      expect(none).to.deep.equal([])
    })

    it(`titles in ${language} fit their buttons`, () => {
      const titles = (form: 'full' | 'short') => actions.map((action) => catalog.actionTitle(language, action, form))
      expect(Math.max(...titles('full').map(({ length }) => length))).to.be.at.most(25)
      expect(Math.max(...titles('short').map(({ length }) => length))).to.be.at.most(20)
      expect(new Set(titles('short')).size).to.equal(actions.length)
      for (const action of ['update_address', 'add_alternate_number'] as const) {
        expect(catalog.linkTitle(language, action).length).to.be.within(1, 20)
      }
    })

    for (const key of catalog.keys) {
      it(`${key}.${language} can be registered with Meta`, () => {
        const form = catalog.registrationForm(key, language)
        const { text, example } = bodyOf(form)
        const numbers = [...text.matchAll(/\{\{(\d+)\}\}/g)].map(([, n]) => Number(n))
        expect(form).to.include({ name: key, language, category: 'UTILITY', parameter_format: 'POSITIONAL' })
        expect(form.name).to.match(/^[a-z0-9_]{1,512}$/)
        expect(numbers).to.deep.equal(numbers.map((_, index) => index + 1)).and.not.empty
        expect(text.replace(/\{\{\d+\}\}/g, 'x')).to.not.match(/[{}\n\t*]| {2}/)
        expect(text).to.not.match(/^\P{L}*\{\{|\}\}\P{L}*$|\}\}\P{L}*\{\{/u)
        expect(example?.body_text).to.have.length(1)
        expect(example?.body_text[0]).to.have.length(numbers.length)
        const filled = text.replace(/\{\{(\d+)\}\}/g, (_, n: string) => example?.body_text[0]?.[Number(n) - 1] ?? '')
        expect(filled).to.not.match(/[{}\n]/)
        expect(Math.max(filled.length, text.length)).to.be.at.most(1024)
        const replies = repliesOf(form)
        expect(replies).to.deep.equal(catalog.template(key, language).buttons.map(({ title }) => title))
        expect(replies.length).to.be.at.most(10)
        expect(new Set(replies).size).to.equal(replies.length)
        for (const reply of replies) expect(reply.length).to.be.within(1, 25)
      })
    }
  }

  it('writes the whole form', () => {
    expect(catalog.registrationForm('fdr_out_of_delivery_area', 'en')).to.deep.equal({
      name: 'fdr_out_of_delivery_area',
      language: 'en',
      category: 'UTILITY',
      parameter_format: 'POSITIONAL',
      message_send_ttl_seconds: 43_200,
      components: [
        {
          type: 'BODY',
          text: "Hello {{1}}! Your {{2}} order ID {{3}} having {{4}} items couldn't be delivered as your delivery address is not within the serviceable area. Item(s) included in the order: {{5}}. Please choose your desired action.",
          example: { body_text: [['Asha', 'Acme', '98079', '2', 'Steel bottle, Lunch box']] },
        },
        {
          type: 'BUTTONS',
          buttons: [
            { type: 'QUICK_REPLY', text: 'Update address' },
            { type: 'QUICK_REPLY', text: 'Cancel my order' },
          ],
        },
      ],
    })
  })

  it('registers a lifetime only where one is written', () => {
    expect(catalog.lifetimeMs('fdr_out_of_delivery_area')).to.equal(12 * 3_600_000)
    expect(catalog.lifetimeMs('po_notification')).to.equal(undefined)
    expect(catalog.registrationForm('po_notification', 'en')).not.to.have.property('message_send_ttl_seconds')
  })

  it('names the actions as operators know them', () => {
    expect(actions.map((action) => catalog.actionTitle('en', action, 'full'))).to.deep.equal([
      'Add alternate number',
      'Reattempt',
      'Report fake delivery',
      'Update address',
      'Cancel my order',
      'Select new delivery date',
    ])
  })

  it('falls back from a region to its language, then to English', () => {
    expect(catalog.template('po_notification', 'hi_IN').language).to.equal('hi')
    expect(catalog.template('po_notification', 'ta').language).to.equal('en')
    expect(catalog.registrationForm('po_notification', 'en-US').language).to.equal('en')
    expect(catalog.text('hi-IN', 'and_more', { n: '3' })).to.equal('और 3 अन्य')
    expect(catalog.text('ta', 'and_more', { n: '3' })).to.equal('and 3 more')
    expect(catalog.text('', 'and_more', { n: '3' })).to.equal('and 3 more')
  })

  it('has no template that is not there', () => expect(() => catalog.template('fdr_none', 'en')).to.throw(/fdr_none/))

  it('says goodbye in the agreed words', () =>
    expect(catalog.text('en', 'cancel_thanks')).to.equal(
      'Thank you for your response. As requested by you we will cancel your order. Hope to see you again!',
    ))
  it('fills a follow-up text, and refuses to leave a gap', () => {
    expect(catalog.text('en', 'reschedule_thanks', { date: '23 June 2026' })).to.match(/ on 23 June 2026\.$/)
    expect(() => catalog.text('en', 'reschedule_thanks')).to.throw(/date/)
  })
  it('writes dates for buttons', () => {
    expect(catalog.dateTitle('en', '2026-06-23')).to.equal('23 June 2026')
    expect(catalog.dateTitle('hi', '2026-06-03')).to.equal('3 जून 2026')
  })
})

describe('template catalog with mistakes', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'catalog-'))
    cpSync(configDir, folder, { recursive: true })
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const edit = (file: string, from: string | RegExp, to: string) => {
    const path = join(folder, file)
    const before = readFileSync(path, 'utf8')
    const after = before.replace(from, () => to)
    expect(after, `edit of ${file}`).to.not.equal(before)
    writeFileSync(path, after)
  }

  const otp = 'templates/fdr_otp_cancellation.hi.hbs'
  const mistakes: readonly [label: string, file: string, from: string | RegExp, to: string, problem: RegExp][] = [
    [
      'other order',
      otp,
      /\{\{customer\}\}(.*)\{\{brand\}\}/u,
      '{{brand}} के {{customer}}',
      /fdr_otp_cancellation\.hi\.hbs: variables must come in this order/,
    ],
    ['unknown variable', otp, '{{items}}', '{{itmes}}', /no example of itmes in hi/],
    ['variable at the start', otp, 'नमस्ते {{customer}}', '{{customer}}', /must not start with a variable/],
    ['variable at the end', otp, /।[^।]*।\s*$/u, '।', /must not end with a variable/],
    ['adjacent variables', otp, ' ऑर्डर, जिसकी आईडी ', ', ', /next to each other/],
    ['a helper', otp, '{{brand}}', '{{#if brand}}x{{/if}}', /only \{\{variable\}\} placeholders/],
    ['three braces', otp, '{{brand}}', '{{{brand}}}', /only \{\{variable\}\} placeholders/],
    ['an escaped placeholder', otp, '{{brand}}', '\\{{brand}}', /no backslash/],
    ['bold', otp, 'डिलीवर', '**डिलीवर**', /no \*\*/],
    ['too long', otp, 'डिलीवर', 'ड'.repeat(500), /characters when filled/],
    [
      'few words',
      'templates/po_notification.en.hbs',
      /.+/,
      'Hi {{supplier}} order {{po_number}} sum {{total_amount}} approved',
      /too few words/,
    ],
    [
      'a long title',
      'languages/en.yaml',
      'title: Reattempt,',
      'title: Please attempt it once more,',
      /actions\.reattempt\.title/,
    ],
    [
      'a long short title',
      'languages/en.yaml',
      'short: New delivery date',
      'short: Select new delivery date',
      /actions\.reschedule\.short/,
    ],
    [
      'two equal titles',
      'languages/en.yaml',
      'short: Reattempt',
      'short: Update address',
      /two of them have the same short/,
    ],
    ['a lifetime of no template', 'lifetimes.yaml', 'fdr_payment_issue', 'fdr_payment', /no template fdr_payment$/m],
    ['a lifetime that is too long', 'lifetimes.yaml', '43200\n', '50000\n', /fdr_address_issue.*43200/s],
    ['a text left out', 'languages/en.yaml', /too_late: .*/, '', /texts\.too_late/],
    [
      'a text without its value',
      'languages/en.yaml',
      '{{date}}',
      'that day',
      /texts\.reschedule_thanks: must use exactly the values \[date\]/,
    ],
    ['a text with a foreign value', 'languages/en.yaml', 'Hope to', '{{name}} Hope to', /texts\.cancel_thanks/],
    ['an example left out', 'languages/en.yaml', /brand: Acme/, '', /no example of brand in en/],
    [
      'long dates',
      'languages/en.yaml',
      'pattern: d LLLL yyyy',
      'pattern: cccc d LLLL yyyy',
      /longer than 20 characters/,
    ],
    [
      'a reason of another kind',
      'reasons.yaml',
      'key: exception,',
      'key: purchase_order,',
      /two kinds tell purchase_order/,
    ],
    [
      'a reason without a template',
      'reasons.yaml',
      'key: otp_mismatch, code: 15, description: OTP mismatch, notify: false',
      'key: otp_mismatch, code: 15, description: OTP mismatch, notify: true, buttons: [cancel]',
      /reason otp_mismatch has no template/,
    ],
  ]
  for (const [label, file, from, to, problem] of mistakes) {
    it(`${label}: is refused`, () => {
      edit(file, from, to)
      expect(() => loadTemplateCatalog(folder)).to.throw(Error, problem)
    })
  }

  it('refuses a template of no language and no English', () => {
    const source = readFileSync(join(folder, otp), 'utf8')
    writeFileSync(join(folder, 'templates/fdr_nothing.ta.hbs'), source)
    expect(() => loadTemplateCatalog(folder)).to.throw(/languages\/ta\.yaml[\s\S]*no English version/)
  })

  it('names the problems of all files at once', () => {
    edit('languages/hi.yaml', 'name: हिन्दी', '')
    edit('languages/en.yaml', '{{date}}', 'that day')
    edit('reasons.yaml', 'code: 18', 'code: 17')
    edit(otp, '{{brand}}', '{{{brand}}}')
    expect(() => loadTemplateCatalog(folder)).to.throw(
      /code 17 [\s\S]*en\.yaml[\s\S]*reschedule_thanks[\s\S]*hi\.yaml[\s\S]*name[\s\S]*fdr_otp_cancellation\.hi\.hbs/,
    )
  })

  it('takes a new language and a template for another reason without code', () => {
    writeFileSync(join(folder, 'languages/en_GB.yaml'), readFileSync(join(folder, 'languages/en.yaml')))
    writeFileSync(
      join(folder, 'templates/fdr_otp_mismatch.en.hbs'),
      readFileSync(join(folder, 'templates/fdr_otp_cancellation.en.hbs')),
    )
    const loaded = loadTemplateCatalog(folder)
    expect(loaded.languages).to.include('en_GB')
    expect(loaded.template('fdr_otp_mismatch', 'en_GB').buttons).to.deep.equal([])
  })
})
