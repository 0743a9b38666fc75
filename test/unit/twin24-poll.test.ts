import { expect } from 'chai'
import type { InboundEvent } from '../../src/core/contract/events.ts'
import type { HttpRequest, HttpResult, PolledMessage, ProviderConnection } from '../../src/core/contract/provider.ts'
import { createTwin24Adapter } from '../../src/providers/twin24/adapter.ts'
import { resultsIn } from '../../src/providers/twin24/dialogue.ts'

const now = new Date('2026-11-20T06:30:00.000Z')
const owner: ProviderConnection = {
  id: '1',
  credentials: { email: 'gateway@example.com', password: 'secret-password-0001' },
  dialogueResults: { confirmation: { Отказ: 'cancel', ' перезвоните ': 'reattempt', Дата: 'reschedule' } },
}
const message = (id: string, changes: Partial<PolledMessage> = {}): PolledMessage => ({
  messageId: id,
  reference: `${'A'.repeat(22)}.1`,
  acceptedAt: new Date('2026-11-20T06:00:00.123Z'),
  awaitsResultOnly: false,
  ...changes,
})
const answer = (status: number, body: unknown): HttpResult => ({
  kind: 'answer',
  status,
  headers: {},
  body: JSON.stringify(body),
})
const list = (items: unknown[]) => answer(200, { count: items.length, items })

async function poll(messages: PolledMessage[], reply: (url: URL) => HttpResult) {
  const seen: URL[] = []
  const http = async ({ url }: HttpRequest) => {
    if (url.endsWith('/auth/login')) return answer(200, { token: 'the-token' })
    seen.push(new URL(url))
    return reply(new URL(url))
  }
  const events = (await createTwin24Adapter({ http, settings: {} }).poll?.(messages, owner, now)) ?? []
  return { seen, parts: events.map(({ part }: InboundEvent) => part) }
}

describe('TWIN: asked about messages', () => {
  it('asks for all of them at once, and reads code, words and times', async () => {
    const { seen, parts } = await poll([message('m-1'), message('m-2'), message('m-3'), message('m-4')], () =>
      list([
        {
          id: 'm-2',
          status: 'UNDELIVERED',
          statusCode: 7,
          statusDescription: 'Not on WhatsApp',
          destination: { phone: '919810012345' },
        },
        { id: 'm-1', status: 'DELIVERED', deliveredAt: '2026-11-20T06:10:00+00:00' },
        { id: 'm-3', status: 'PENDING' },
        { id: 'stranger', status: 'DELIVERED' },
      ]),
    )
    expect(seen.map(({ search }) => search)).to.deep.equal(['?id=m-1,m-2,m-3,m-4&limit=4'])
    expect(parts).to.have.length(3)
    expect(parts[0]).to.deep.include({ messageId: 'm-1', status: 'delivered', at: new Date('2026-11-20T06:10:00Z') })
    expect(parts[1]).to.deep.include({
      messageId: 'm-2',
      status: 'failed',
      recipient: { phone: '+919810012345' },
      failure: { code: 'recipient_unreachable', vendorCode: '7', detail: 'Not on WhatsApp' },
    })
    expect(parts[2]).to.include({ vendorStatus: 'PENDING', status: 'accepted' })
  })

  it('uses no time without a zone, or from the future', async () => {
    for (const deliveredAt of ['2026-11-20 06:10:00', '2027-01-01T00:00:00Z', 'soon', 5]) {
      const { parts } = await poll([message('m-1')], () => list([{ id: 'm-1', status: 'DELIVERED', deliveredAt }]))
      expect(parts[0], String(deliveredAt)).to.include({ status: 'delivered' }).and.not.have.property('at')
    }
  })

  it('asks the statistics where the list of messages is closed to the user', async () => {
    for (const status of [403, 404]) {
      const { seen, parts } = await poll([message('m-1')], (url) =>
        url.pathname.endsWith('/statistics/messaging/messages')
          ? list([{ id: 'm-1', providerMessageId: 's-1', status: 'DELIVERED' }])
          : answer(status, {}),
      )
      expect(seen).to.have.length(2)
      expect(parts).to.have.length(1)
      expect(parts[0]).to.include({ messageId: 'm-1', status: 'delivered' })
    }
  })

  for (const [label, result] of [
    ['an error', answer(500, {})],
    ['a refusal', answer(404, {})],
    ['no list', answer(200, [])],
    ['silence', { kind: 'lost', reason: 'slow' }],
  ] as [string, HttpResult][])
    it(`learns nothing from ${label}`, async () => {
      expect(
        (await poll([message('m-1'), message('m-2', { awaitsResultOnly: true })], () => result)).parts,
      ).to.deep.equal([])
    })
})

describe('TWIN: the result of a dialogue', () => {
  const awaiting = (id: string) => message(id, { awaitsResultOnly: true })
  const replyWith = (results: unknown) => (url: URL) =>
    url.pathname.endsWith('/messaging/messages')
      ? list([{ id: 'm-1', providerMessageId: 's-1', status: 'DELIVERED' }])
      : list([
          { id: 's-0', name: 'other', dialogResultsFromBotJson: { confirmation: 'Перезвоните' } },
          { id: 's-1', name: 'ours', dialogResultsFromBotJson: results },
        ])

  it('is found by the session of the message, whatever else the answer holds, and means what the connection says', async () => {
    const { seen, parts } = await poll([awaiting('m-1')], replyWith({ confirmation: 'Отказ', initialVariables: [] }))
    expect(parts).to.have.length(1)
    expect(parts[0]).to.deep.include({
      type: 'reply',
      value: 'Отказ',
      choice: { action: 'cancel' },
      replyType: 'choice',
    })
    const [messages, sessions] = seen
    expect(messages?.search).to.contain('from=2026-11-20T05%3A55%3A00%2B00%3A00&to=2026-11-20T06%3A30%3A00%2B00%3A00')
    expect(messages?.searchParams.get('channel')).to.equal('CHAT')
    expect(sessions?.searchParams.get('chatId')).to.equal('s-1')
  })

  const results: [label: string, results: unknown, expected: object | undefined][] = [
    ['in another case, with blanks', { confirmation: '  ОТКАЗ ' }, { action: 'cancel' }],
    ['as text', JSON.stringify({ confirmation: 'Перезвоните' }), { action: 'reattempt' }],
    [
      'with a date beside it',
      { confirmation: 'Дата', when: '24.06.2026' },
      { action: 'reschedule', value: '2026-06-24' },
    ],
    ['with a meaning that nobody gave', { confirmation: 'Может быть' }, undefined],
    ['under another name', { nps: 'Отказ' }, undefined],
    ['an empty object of PHP', [], undefined],
    ['not there yet', null, undefined],
    ['no JSON', 'Отказ', undefined],
  ]
  for (const [label, given, choice] of results) {
    it(label, async () => {
      const { parts } = await poll([awaiting('m-1')], replyWith(given))
      expect(parts.map((part) => part.type === 'reply' && part.choice)).to.deep.equal(choice ? [choice] : [])
    })
  }

  it('of a new delivery date waits for the date', async () => {
    const early = await poll([awaiting('m-1')], replyWith({ confirmation: 'Дата' }))
    expect(early.parts).to.deep.equal([])
    const choices: unknown[] = []
    for (const when of ['24.06.2026', '25.06.2026']) {
      const { parts } = await poll([awaiting('m-1')], replyWith({ confirmation: 'Дата', when }))
      choices.push(...parts.map((part) => part.type === 'reply' && part.messageId))
    }
    expect(new Set(choices).size, 'another date is another reply').to.equal(2)
  })

  const sessionAnswers: [label: string, result: HttpResult, isPassedOver: boolean][] = [
    ['is not known', answer(404, {}), true],
    ['is refused', answer(400, { error: 'wrong chatId' }), true],
    ['is answered without a list', answer(200, []), true],
    ['comes too soon', answer(429, {}), false],
    ['meets an error', answer(503, {}), false],
    ['is not answered', { kind: 'lost', reason: 'slow' }, false],
  ]
  for (const [label, result, isPassedOver] of sessionAnswers)
    it(`is found${isPassedOver ? '' : ' the next time'} where the session before it ${label}`, async () => {
      const { seen, parts } = await poll([awaiting('m-1'), awaiting('m-2')], (url) => {
        if (url.pathname.endsWith('/messaging/messages'))
          return list(['1', '2'].map((n) => ({ id: `m-${n}`, providerMessageId: `s-${n}`, status: 'DELIVERED' })))
        if (url.searchParams.get('chatId') === 's-1') return result
        return list([{ id: 's-2', dialogResultsFromBotJson: { confirmation: 'Отказ' } }])
      })
      expect(parts).to.have.length(isPassedOver ? 1 : 0)
      expect(seen).to.have.length(isPassedOver ? 3 : 2)
    })

  it('is the same reply however often it is asked for', async () => {
    const once = await poll([awaiting('m-1')], replyWith({ confirmation: 'Отказ' }))
    const again = await poll([awaiting('m-1')], replyWith({ confirmation: 'Отказ' }))
    expect(again.parts).to.deep.equal(once.parts)
  })

  it('of a message that has no session yet is not asked for', async () => {
    const { seen, parts } = await poll([awaiting('m-9')], replyWith({ confirmation: 'Отказ' }))
    expect(parts).to.deep.equal([])
    expect(seen).to.have.length(1)
  })

  it('is an object, never a list', () => {
    expect(resultsIn({ dialogResultsFromBotJson: [] })).to.equal(undefined)
    expect(resultsIn({ dialogResultsFromBotJson: { a: 'b' } })).to.deep.equal({ a: 'b' })
    expect(resultsIn({})).to.equal(undefined)
  })
})
