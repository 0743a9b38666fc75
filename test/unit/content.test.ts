import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import fc from 'fast-check'
import { fdrValues, fdrVariables, itemList } from '../../src/core/notifications/kinds/fdr-content.ts'
import { type FdrEvent, readFdrEvent } from '../../src/core/notifications/kinds/fdr-event.ts'
import type { ComposeFacts } from '../../src/core/notifications/kinds/kind.ts'
import { safeParameter } from '../../src/core/notifications/parameters.ts'
import { loadReasons, reasonOf } from '../../src/core/notifications/reason.ts'
import { loadTemplateCatalog } from '../../src/core/notifications/template-catalog.ts'

const configDir = fileURLToPath(new URL('../../config', import.meta.url))
const catalog = loadTemplateCatalog(configDir)
const reasons = loadReasons(`${configDir}/reasons.yaml`)
const told = reasons.reasons.filter(({ notify }) => notify).map(({ key }) => key)

const fdrOf = (event: unknown): FdrEvent => {
  const reading = readFdrEvent(event)
  if (!reading.ok) throw new Error(reading.detail)
  return reading.fdr
}
const realFdr = fdrOf(JSON.parse(readFileSync(new URL('../fixtures/fdr-event.json', import.meta.url), 'utf8')))
const aFdr: FdrEvent = {
  ...realFdr,
  items: [
    { name: 'Steel bottle', quantity: 2 },
    { name: 'Lunch box', quantity: 1 },
  ],
}

const renderText = (key: string, language: string, values: Readonly<Record<string, string>>): string =>
  catalog.template(key, language).render(values)

const around = (language: string): ComposeFacts => ({
  phone: '+919810012345',
  language,
  support: { phone: '+911140009999', email: 'care@acme.example' },
  words: {
    andMore: (n) => catalog.text(language, 'and_more', { n: String(n) }),
    unnamedCustomer: catalog.unnamedCustomer(language),
    date: (date) => catalog.dateTitle(language, date),
  },
})
const textOf = (fdr: FdrEvent, reason: string, language: string): string =>
  renderText(`fdr_${reason}`, language, fdrValues(fdr, reason, around(language)))

const en = (because: string): string =>
  `Hello Asha Nair! Your Acme Shopify order ID #98079 having 3 items couldn't be delivered ${because} Item(s) included in the order: 2 x Steel bottle, Lunch box. Please choose your desired action.`
const hi = (because: string): string =>
  `नमस्ते Asha Nair! आपका Acme Shopify ऑर्डर, जिसकी आईडी #98079 है और जिसमें 3 आइटम हैं, ${because} ऑर्डर में शामिल आइटम: 2 x Steel bottle, Lunch box। कृपया नीचे से अपना विकल्प चुनें।`

const golden: Readonly<Record<string, { readonly en: string; readonly hi: string }>> = {
  customer_unreachable: {
    en: 'as your number (+919810012345) was unreachable. Please provide an alternate contact number for better connectivity.',
    hi: 'डिलीवर नहीं हो सका, क्योंकि आपके नंबर (+919810012345) पर संपर्क नहीं हो पाया। बेहतर संपर्क के लिए कृपया कोई दूसरा नंबर दें।',
  },
  address_issue: {
    en: 'as the address provided by you is incomplete or incorrect. Please update your delivery address. Delivery address: 12 Lake View Apartments, Station Road, Ward 4, Ajmer, RAJASTHAN, 305001.',
    hi: 'डिलीवर नहीं हो सका, क्योंकि आपका दिया हुआ पता अधूरा या गलत है। कृपया अपना डिलीवरी पता अपडेट करें। अभी का डिलीवरी पता: 12 Lake View Apartments, Station Road, Ward 4, Ajmer, RAJASTHAN, 305001।',
  },
  rejected_by_customer: {
    en: 'as you refused to accept it.',
    hi: 'डिलीवर नहीं हो सका, क्योंकि आपने इसे लेने से मना कर दिया।',
  },
  customer_unavailable: {
    en: 'as you were not available at the time of delivery.',
    hi: 'डिलीवर नहीं हो सका, क्योंकि डिलीवरी के समय आप उपलब्ध नहीं थे।',
  },
  delivery_rescheduled: {
    en: 'as you requested a future delivery.',
    hi: 'डिलीवर नहीं हो सका, क्योंकि आपने आगे की किसी तारीख पर डिलीवरी का अनुरोध किया था।',
  },
  out_of_delivery_area: {
    en: 'as your delivery address is not within the serviceable area.',
    hi: 'डिलीवर नहीं हो सका, क्योंकि आपका डिलीवरी पता हमारे सेवा क्षेत्र में नहीं आता।',
  },
  payment_issue: {
    en: 'due to a payment issue. Amount to be paid - Rs 1,889.10.',
    hi: 'भुगतान की समस्या के कारण डिलीवर नहीं हो सका। देय राशि - रु 1,889.10।',
  },
  otp_cancellation: {
    en: 'as you requested to cancel this order.',
    hi: 'डिलीवर नहीं हो सका, क्योंकि आपने इस ऑर्डर को रद्द करने का अनुरोध किया था।',
  },
  open_delivery: {
    en: 'as we do not support open delivery, but we assure you that the product will be in good condition. For help, our support phone is +911140009999 and our e-mail is care@acme.example.',
    hi: 'डिलीवर नहीं हो सका, क्योंकि हम ओपन डिलीवरी की सुविधा नहीं देते, लेकिन हम आपको भरोसा दिलाते हैं कि प्रोडक्ट अच्छी स्थिति में होगा। सहायता के लिए हमारा फ़ोन नंबर +911140009999 और ई-मेल care@acme.example है।',
  },
}

describe('first message', () => {
  it('tells the customer of the real event', () => {
    const reason = reasonOf(realFdr, reasons)?.key ?? ''
    expect(textOf(realFdr, reason, 'en')).to.equal(
      "Hello Asha Nair! Your Acme Shopify order ID #98079 having 1 items couldn't be delivered as you requested to cancel this order. Item(s) included in the order: Advance Whey Protein with 20 Vitamins & Minerals. Please choose your desired action.",
    )
  })

  it('has a golden text for every reason that is told', () => expect(Object.keys(golden)).to.have.members(told))
  for (const [reason, because] of Object.entries(golden)) {
    it(`${reason} in English`, () => expect(textOf(aFdr, reason, 'en')).to.equal(en(because.en)))
    it(`${reason} in Hindi`, () => expect(textOf(aFdr, reason, 'hi')).to.equal(hi(because.hi)))
  }

  it('tells a supplier of a purchase order', () => {
    const values = { supplier: 'Huerta Sol', po_number: 'PO-001', total_amount: '€100.00' }
    expect(renderText('po_notification', 'en', values)).to.equal(
      'Hello Huerta Sol! The purchase order PO-001 with a total amount of €100.00 has been approved. Please process it at your earliest convenience.',
    )
    expect(renderText('po_notification', 'hi', values)).to.equal(
      'नमस्ते Huerta Sol! परचेज़ ऑर्डर PO-001, जिसकी कुल राशि €100.00 है, स्वीकृत हो गया है। कृपया जल्द से जल्द इस पर काम शुरू करें।',
    )
  })

  it('keeps characters that mean something in HTML or Handlebars', () => {
    const text = textOf({ ...aFdr, brand: `R&D "<b>" {{order}}` }, 'otp_cancellation', 'en')
    expect(text).to.include(`Your R&D "<b>" {{order}} order ID #98079`)
  })

  it('does not render with a value missing', () => {
    expect(() => renderText('fdr_otp_cancellation', 'en', { customer: 'Asha' })).to.throw(/brand/)
  })
})

const ownVariables: readonly (readonly [reason: string, own: readonly string[]])[] = [
  ['customer_unreachable', ['phone']],
  ['address_issue', ['address']],
  ['payment_issue', ['amount']],
  ['open_delivery', ['support_phone', 'support_email']],
  ['otp_cancellation', []],
  ['otp_mismatch', []],
]

describe('values of a first message', () => {
  for (const [reason, own] of ownVariables) {
    it(`${reason}: in the fixed order`, () => {
      const order = ['customer', 'brand', 'order', 'item_count', ...own, 'items']
      expect(fdrVariables(reason).map(({ name }) => name)).to.deep.equal(order)
      expect(Object.keys(fdrValues(aFdr, reason, around('en')))).to.deep.equal(order)
    })
  }

  it('never leaves one empty', () => {
    const bare = {
      ...aFdr,
      customerName: undefined,
      brand: undefined,
      orderNumber: undefined,
      items: [],
      amount: undefined,
    }
    const values = { customer: 'Customer', brand: '-', order: '-', item_count: '-', amount: '-', items: '-' }
    expect(fdrValues(bare, 'payment_issue', around('en'))).to.deep.equal(values)
    expect(fdrValues(aFdr, 'open_delivery', { ...around('en'), support: {} })).to.include({
      support_phone: '-',
      support_email: '-',
    })
  })

  for (const [country, phone, language, amount] of [
    ['India, in English', '+919810012345', 'en', '12,34,567.50'],
    ['India, in Hindi', '+919810012345', 'hi', '12,34,567.50'],
    ['the United States', '+12025550123', 'en', '1,234,567.50'],
  ] as const) {
    it(`groups an amount as it is done in ${country}`, () => {
      const values = fdrValues({ ...aFdr, amount: 1234567.5 }, 'payment_issue', { ...around(language), phone })
      expect(values.amount).to.equal(amount)
    })
  }

  it('keeps the filled body within 1024 characters, however long the input', () => {
    const long = fc.string({ unit: 'binary', maxLength: 3000, size: 'max' })
    const item = fc.record({ name: long, quantity: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) })
    const input = fc.record({
      long,
      items: fc.array(item),
      amount: fc.double({ min: 0, noNaN: true }),
      reason: fc.constantFrom(...told),
      language: fc.constantFrom('en', 'hi'),
    })
    fc.assert(
      fc.property(input, ({ long: text, items, amount, reason, language }) => {
        const fdr = { ...aFdr, customerName: text, brand: text, orderNumber: text, address: text, items, amount }
        const values = fdrValues(fdr, reason, {
          ...around(language),
          phone: text,
          support: { phone: text, email: text },
        })
        const body = renderText(`fdr_${reason}`, language, values)
        return body.length <= 1024 && !/[\n\t]| {2}/.test(body)
      }),
      { numRuns: 50 },
    )
  })
})

describe('safe parameter', () => {
  const cases: readonly [label: string, value: string, maxLength: number, expected: string][] = [
    ['newlines and tabs', ' a\r\n\tb\u2028c\u00a0 d ', 50, 'a b c d'],
    ['control characters', 'a\u0000\u0007b\u0085c', 50, 'a b c'],
    ['text-direction characters', '\u202eabc\u202c \u2066d\u2069', 50, 'abc d'],
    ['invisible characters between spaces', 'a \u200b b', 50, 'a b'],
    ['half a surrogate pair', 'a\ud83db', 50, 'ab'],
    ['joined emoji and Hindi stay', '👩‍👧 क्‍ष', 50, '👩‍👧 क्‍ष'],
    ['nothing', '', 50, '-'],
    ['blanks only', ' \n ', 50, '-'],
    ['invisible only', '\u200b\u200d\ufe0f', 50, '-'],
    ['long text', 'abcdef', 5, 'abcd…'],
    ['a cut after a space', 'abc def', 5, 'abc…'],
    ['a cut inside an emoji', 'abc😀d', 5, 'abc…'],
    ['exactly long enough', 'abcde', 5, 'abcde'],
    ['an absurd limit', 'abc', 0, '…'],
  ]
  for (const [label, value, maxLength, expected] of cases) {
    it(label, () => expect(safeParameter(value, maxLength)).to.equal(expected))
  }

  const nasty = fc.string({
    unit: fc.constantFrom(
      'a',
      ' ',
      '\n',
      '\t',
      '\u200b',
      '\u202e',
      '\ud83d',
      '\ude00',
      '😀',
      '\u200d',
      'क',
      '्',
      '\u0000',
      '\u00a0',
    ),
  })
  it('is one line, never empty, never longer than allowed', () => {
    fc.assert(
      fc.property(
        fc.oneof(nasty, fc.string({ unit: 'binary' })),
        fc.integer({ min: 1, max: 40 }),
        (value, maxLength) => {
          const safe = safeParameter(value, maxLength)
          expect(safe).to.not.match(/[\n\t\r\u2028\u2029]|\s{2}|^\s|\s$|\p{Cc}|\p{Cs}|[\u202a-\u202e\u2066-\u2069]/u)
          expect(safe.length).to.be.within(1, maxLength)
        },
      ),
      { numRuns: 1000 },
    )
  })
  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(nasty, fc.integer({ min: 1, max: 40 }), (value, maxLength) => {
        const once = safeParameter(value, maxLength)
        expect(safeParameter(once, maxLength)).to.equal(once)
      }),
    )
  })
})

describe('item list', () => {
  const andMore = (n: number): string => `and ${n} more`
  const names = ['Steel bottle', 'Lunch box', 'Spoon', 'Fork'].map((name) => ({ name, quantity: 1 }))
  const cases: readonly [maxLength: number, expected: string][] = [
    [40, 'Steel bottle, Lunch box, Spoon, Fork'],
    [36, 'Steel bottle, Lunch box, Spoon, Fork'],
    [35, 'Steel bottle, Lunch box and 2 more'],
    [34, 'Steel bottle, Lunch box and 2 more'],
    [33, 'Steel bottle and 3 more'],
    [20, 'Steel bo… and 3 more'],
    [5, '… an…'],
  ]
  for (const [maxLength, expected] of cases) {
    it(`within ${maxLength} characters`, () => expect(itemList(names, andMore, maxLength)).to.equal(expected))
  }
  it('prefers a last name to its count when that fits', () =>
    expect(
      itemList(
        [
          { name: 'Steel bottle', quantity: 1 },
          { name: 'Cup', quantity: 1 },
        ],
        andMore,
        17,
      ),
    ).to.equal('Steel bottle, Cup'))
  it('tells quantities above one', () =>
    expect(
      itemList(
        [
          { name: 'A', quantity: 2 },
          { name: 'B', quantity: 1 },
        ],
        andMore,
      ),
    ).to.equal('2 x A, B'))
  it('cuts a single long name', () =>
    expect(itemList([{ name: 'abcdefghij', quantity: 1 }], andMore, 5)).to.equal('abcd…'))
  it('of nothing', () => expect(itemList([], andMore)).to.equal('-'))
  it('counts 100,000 items without delay', function () {
    this.timeout(1000)
    const many = Array.from({ length: 100_000 }, () => ({ name: 'Spoon', quantity: 1 }))
    expect(itemList(many, andMore, 30)).to.equal('Spoon, Spoon and 99998 more')
  })
})
