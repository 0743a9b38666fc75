import { expect } from 'chai'
import type { TemplateInput } from '../../src/providers/simulator/inputs.ts'
import {
  aClock,
  aCustomer,
  anAccount,
  anOwnConnection,
  deliver,
  eventFor,
  inWorld,
  type OwnConnection,
  settle,
  sharedWorld,
  storages,
} from '../support/stories.ts'
import { until, type World } from '../support/world.ts'

interface ShownTemplate {
  readonly name: string
  readonly language: string
  readonly status: string
  readonly use: string | null
  readonly category: string | null
  readonly quality: string | null
  readonly variables: readonly { readonly name: string }[]
  readonly buttons: readonly { readonly title: string }[]
}

interface Problem {
  readonly detail: string
  readonly errors: readonly { readonly path: string; readonly message: string }[]
}

const quickReplies = (...titles: string[]) => ({
  type: 'BUTTONS',
  buttons: titles.map((text) => ({ type: 'QUICK_REPLY', text })),
})
const fiveVariables = 'Hello {{1}}, {{2}} could not bring {{3}} with {{4}} items: {{5}}. Please choose.'
const buttons = quickReplies('Reattempt', 'Report fake delivery', 'Cancel my order')
/** A template that fits `otp_cancellation`, but for what is changed. */
const aTemplate = (name: string, changes: Partial<TemplateInput> = {}): TemplateInput => ({
  name,
  language: 'en',
  components: [{ type: 'BODY', text: fiveVariables }, buttons],
  ...changes,
})
const withBody = (text: string) => ({ components: [{ type: 'BODY', text }, buttons] })
const withButtons = (...titles: string[]) => ({
  components: [{ type: 'BODY', text: fiveVariables }, quickReplies(...titles)],
})

interface WrongTemplate {
  readonly label: string
  readonly template?: TemplateInput
  readonly named: { readonly name: string; readonly language: string }
  readonly says: RegExp
}

const en = (name: string) => ({ name, language: 'en' })

const wrongTemplates: WrongTemplate[] = [
  { label: 'that does not exist', named: en('nowhere'), says: /has no template nowhere\./ },
  {
    label: 'in another language',
    template: aTemplate('only_hindi', { language: 'hi' }),
    named: en('only_hindi'),
    says: /has only_hindi in hi, but not in the language en\./,
  },
  {
    label: 'that waits for review',
    template: aTemplate('pending', { status: 'PENDING' }),
    named: en('pending'),
    says: /is not approved: its status is PENDING\. Wait for the review/,
  },
  {
    label: 'that was rejected',
    template: aTemplate('rejected', { status: 'REJECTED' }),
    named: en('rejected'),
    says: /its status is REJECTED\. Correct what the provider objects to/,
  },
  {
    label: 'that is paused',
    template: aTemplate('paused', { status: 'PAUSED' }),
    named: en('paused'),
    says: /is paused by the provider/,
  },
  {
    label: 'with too few variables',
    template: aTemplate('short', withBody('Hello {{1}}, please choose.')),
    named: en('short'),
    says: /has 1 variables, and the message gives 5: customer, brand, order, item_count, items\./,
  },
  {
    label: 'with named variables',
    template: aTemplate('by_name', {
      parameter_format: 'NAMED',
      ...withBody('Hi {{a}}, {{b}} has {{c}} of {{d}}: {{e}}. Choose.'),
    }),
    named: en('by_name'),
    says: /has variables with names \(a, b, c, d, e\)/,
  },
  {
    label: 'with a picture',
    template: aTemplate('picture', {
      components: [{ type: 'HEADER', format: 'IMAGE' }, { type: 'BODY', text: fiveVariables }, buttons],
    }),
    named: en('picture'),
    says: /needs the header's image/,
  },
  {
    label: 'with too few buttons',
    template: aTemplate('two_buttons', withButtons('Reattempt', 'Cancel my order')),
    named: en('two_buttons'),
    says: /has 2 quick replies, and the message needs 3/,
  },
  {
    label: 'with buttons in another order',
    template: aTemplate('mixed', withButtons('Cancel my order', 'Report fake delivery', 'Reattempt')),
    named: en('mixed'),
    says: /stand in another order/,
  },
]

for (const storage of storages) {
  describe(`templates on ${storage}`, () => {
    const world = sharedWorld({ storage })
    const list = async (id: string) => {
      const answer = await world().call<{ items: ShownTemplate[]; readAt: string | null; problem: string | null }>(
        'GET',
        `/v1/connections/${id}/templates`,
      )
      expect(answer.status).to.equal(200)
      return answer.body
    }
    const sync = (id: string) => world().call('POST', `/v1/connections/${id}/templates/sync`)
    const verify = (body: object) =>
      world().call<{ ok: boolean; problems: { text: string; fix: string }[]; template: object | null } & Problem>(
        'POST',
        '/v1/templates/verify',
        body,
      )
    const put = (accountId: number, changes: object, query = '') =>
      world().call<Problem>('PUT', `/v1/accounts/${accountId}/settings${query}`, {
        isWhatsappEnabled: true,
        ...changes,
      })
    /** The simulator's account again, with something else about it. */
    const change = ({ credentials }: OwnConnection, changes: object) =>
      world().provider.addAccount({
        ...(credentials as never as { phoneNumberId: string; wabaId: string; accessToken: string; appSecret: string }),
        displayPhoneNumber: '+911140004321',
        ...changes,
      })

    it('are read from the provider over all pages, as they stand there', async () => {
      const many = Array.from({ length: 230 }, (_, n) => aTemplate(`many_${n}`))
      const special = aTemplate('special', {
        status: 'PAUSED',
        category: 'MARKETING',
        quality_score: { score: 'RED' },
      } as Partial<TemplateInput>)
      const { connectionId } = await anOwnConnection(world(), { templates: [...many, special] })
      expect((await list(connectionId)).readAt).to.equal(null)
      expect((await sync(connectionId)).status).to.equal(200)
      const { items, readAt, problem } = await list(connectionId)
      expect(readAt).to.be.a('string')
      expect(problem).to.equal(null)
      expect(items.filter(({ name }) => name.startsWith('many_'))).to.have.length(230)
      const { variables, buttons: replies, ...found } = items.find(({ name }) => name === 'special') ?? {}
      expect(found).to.include({ status: 'PAUSED', use: 'paused', category: 'MARKETING', quality: 'RED' })
      expect(variables?.map(({ name }) => name)).to.deep.equal(['1', '2', '3', '4', '5'])
      expect(replies?.map(({ title }) => title)).to.deep.equal(['Reattempt', 'Report fake delivery', 'Cancel my order'])
    })

    it('follow what changes there: texts, and what is gone', async () => {
      const own = await anOwnConnection(world(), { templates: [aTemplate('changing'), aTemplate('going')] })
      await sync(own.connectionId)
      change(own, { templates: [aTemplate('changing', withBody('Hello {{1}}, please choose.'))] })
      world().provider.removeTemplate(own.credentials.wabaId ?? '', 'going')
      await sync(own.connectionId)
      const { items } = await list(own.connectionId)
      expect(items.find(({ name }) => name === 'changing')?.variables).to.have.length(1)
      expect(items.find(({ name }) => name === 'going')).to.include({ status: 'DELETED', use: 'not_approved' })
    })

    it('say why they could not be read', async () => {
      const own = await anOwnConnection(world())
      change(own, { tokenFields: { is_valid: false } })
      const { status, body } = await sync(own.connectionId)
      expect(status).to.equal(422)
      expect(body.detail).to.match(/could not be read from the provider\. The credentials .* are not accepted/)
      expect((await list(own.connectionId)).problem).to.match(/^credentials_invalid/)
    })

    for (const { label, template, named, says } of wrongTemplates) {
      it(`${label} are refused, with a sentence`, async () => {
        const own = await anOwnConnection(world(), { templates: template ? [template] : [] })
        const { accountId, connectionId } = own
        const verified = await verify({ accountId, reason: 'otp_cancellation', ...named })
        expect(verified.status).to.equal(200)
        expect(verified.body.ok).to.equal(false)
        const [problem] = verified.body.problems
        expect(`${problem?.text} ${problem?.fix}`).to.match(says)
        const before = (await world().call('GET', `/v1/accounts/${accountId}/settings`)).body
        const settings = { whatsappSenderConnectionId: connectionId, templates: { otp_cancellation: named } }
        const refused = await put(accountId, settings)
        expect(refused.status).to.equal(422)
        expect(refused.body.errors[0]?.path).to.equal('templates.otp_cancellation')
        expect(refused.body.errors[0]?.message).to.match(says)
        expect((await world().call('GET', `/v1/accounts/${accountId}/settings`)).body).to.deep.equal(before)
        expect((await put(accountId, settings, '?verify=false')).status, 'stored all the same').to.equal(200)
      })
    }

    it('that fit are accepted, by name and by id', async () => {
      const { accountId, connectionId } = await anOwnConnection(world(), { templates: [aTemplate('mine')] })
      const named = await verify({ accountId, reason: 'otp_cancellation', name: 'mine' })
      expect(named.body).to.deep.include({ ok: true, problems: [] })
      const { vendorId } = named.body.template as { vendorId: string }
      expect((await verify({ accountId, reason: 'otp_cancellation', id: vendorId })).body.ok).to.equal(true)
      const unknown = await verify({ accountId, id: '1234567' })
      expect(unknown.body.problems[0]?.text).to.match(/no template with the id 1234567/)
      const settings = { whatsappSenderConnectionId: connectionId, templates: { otp_cancellation: en('mine') } }
      expect((await put(accountId, settings)).status).to.equal(200)
    })

    it("of the platform are verified without showing them to others' accounts", async () => {
      const accountId = await anAccount(world())
      const { body } = await verify({ accountId, reason: 'otp_cancellation', name: 'fdr_otp_cancellation' })
      expect(body).to.deep.equal({ ok: true, problems: [] })
    })

    it('that cannot be verified now are not stored unless that is asked for', async () => {
      const own = await anOwnConnection(world())
      const { accountId, connectionId } = own
      change(own, { tokenFields: { is_valid: false } })
      const settings = { whatsappSenderConnectionId: connectionId, templates: { otp_cancellation: en('mine') } }
      const { status, body } = await put(accountId, settings)
      expect(status).to.equal(422)
      expect(body.detail).to.match(/could not be read.*\?verify=false/)
      expect((await put(accountId, settings, '?verify=false')).status).to.equal(200)
    })

    it('of which nothing is asked stand in a question that is refused', async () => {
      for (const body of [{ accountId: 379 }, { accountId: 379, name: 'x', id: '1' }, { accountId: 379, name: 'X Y' }])
        expect((await verify(body)).status).to.equal(400)
      expect((await verify({ accountId: 379, name: 'x', reason: 'nonsense' })).status).to.equal(400)
    })

    it("are each reason's matter in what the doctor finds", async () => {
      const { connectionId } = await anOwnConnection(world(), {
        templates: [aTemplate('fdr_otp_cancellation', { status: 'PENDING' })],
      })
      const { body } = await world().call<{ checks: { name: string; ok: boolean; detail: string }[] }>(
        'GET',
        `/v1/connections/${connectionId}/doctor`,
      )
      const found = body.checks.filter(({ name }) => name.startsWith('template'))
      expect(found.map(({ name, ok }) => `${name}: ${ok}`)).to.deep.equal([
        'templates: true',
        'template otp_cancellation: false',
      ])
      expect(found[1]?.detail).to.match(/status is PENDING/)
    })
  })

  describe(`built-in templates on ${storage}`, () => {
    const settings = { simulator: { templateApprovalMs: 300 } }
    const register = (world: World, id: string, body: object = {}) =>
      world.call<{ items: { name: string; language: string; result: string; status?: string; detail?: string }[] }>(
        'POST',
        `/v1/connections/${id}/templates/register`,
        body,
      )
    const statuses = async (world: World, id: string) => {
      const { body } = await world.call<{ items: ShownTemplate[] }>('GET', `/v1/connections/${id}/templates`)
      return new Set(body.items.map(({ status }) => status))
    }

    it('are registered by one call, once, and their approval is followed', () =>
      inWorld({ storage, ...settings }, async (world) => {
        const { connectionId, credentials, accountId } = await anOwnConnection(world)
        for (const name of new Set(world.provider.templates(credentials.wabaId ?? '').map((one) => one.name)))
          world.provider.removeTemplate(credentials.wabaId ?? '', name)
        const { status, body } = await register(world, connectionId, { languages: ['en', 'hi'] })
        expect(status).to.equal(200)
        expect(body.items).to.have.length(20)
        expect(new Set(body.items.map(({ result, status: of }) => `${result} ${of}`))).to.deep.equal(
          new Set(['registered PENDING']),
        )
        expect(await statuses(world, connectionId)).to.deep.equal(new Set(['PENDING']))
        const early = await deliver(world, eventFor(aCustomer(), { account_id: accountId }))
        expect(early.outcome, 'nothing is sent with what is not approved').to.equal('skipped')
        const again = await register(world, connectionId, { languages: ['en', 'hi'] })
        expect(new Set(again.body.items.map(({ result }) => result))).to.deep.equal(new Set(['exists']))
        await until('all are approved', async () => {
          const found = await statuses(world, connectionId)
          return found.size === 1 && found.has('APPROVED')
        })
        expect((await deliver(world, eventFor(aCustomer(), { account_id: accountId }))).outcome).to.equal('queued')
        await settle(world)
      }))

    it('say why they could not be registered', () =>
      inWorld({ storage, ...settings }, async (world) => {
        const { connectionId, credentials } = await anOwnConnection(world)
        const { phoneNumberId = '', wabaId = '', accessToken = '', appSecret = '' } = credentials
        const account = { phoneNumberId, wabaId, accessToken, appSecret, displayPhoneNumber: '+911140004321' }
        world.provider.addAccount({ ...account, tokenFields: { scopes: ['whatsapp_business_messaging'] } })
        const { body } = await register(world, connectionId)
        expect(new Set(body.items.map(({ result }) => result))).to.deep.equal(new Set(['refused']))
        expect(body.items[0]?.detail).to.match(/lacks a permission/)
        const calls = world.provider
          .requests()
          .filter(({ method, path }) => method === 'POST' && /templates$/.test(path))
        expect(calls, 'what is refused for the whole is not tried twenty times').to.have.length(1)
      }))

    it('are read by themselves, a while after the connection was entered', () => {
      const clock = aClock('2026-11-20T06:30:00Z')
      return inWorld({ storage, now: clock.now }, async (world) => {
        const { connectionId } = await anOwnConnection(world)
        expect((await statuses(world, connectionId)).size).to.equal(0)
        clock.advance(2)
        await until('they are read', async () => (await statuses(world, connectionId)).has('APPROVED'))
      })
    })
  })
}
