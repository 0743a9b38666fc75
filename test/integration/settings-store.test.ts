import { expect } from 'chai'
import { createSettingsStore, type SettingsStore } from '../../src/core/accounts/settings.ts'
import { type SettingsInput, settingsSchema } from '../../src/core/accounts/settings-schema.ts'
import { TooManyChannelsError } from '../../src/core/accounts/write-settings.ts'
import { type Database, type Executor, openDatabase, type SqlValue } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { insertRows, selectIn } from '../../src/core/storage/rows.ts'
import { sqlTime } from '../../src/core/storage/time.ts'
import { createStorage, type Storage } from '../support/world.ts'

const now = () => new Date('2026-11-20T06:30:00Z')

const full: SettingsInput = {
  accountSlug: 'acme-store',
  isWhatsappEnabled: true,
  whatsappSenderConnectionId: '17',
  defaultCountry: 'DE',
  timezone: 'Europe/Berlin',
  languages: ['hi', 'en'],
  templates: { otp_cancellation: { name: 'my_otp', language: 'en' } },
  support: { phone: '+911140009999', email: 'care@example.com' },
  quietHours: { from: '21:00', to: '08:00' },
  inDoubtPolicy: 'never',
  fallbackOnFailed: true,
  portalUrl: 'https://track.example.com',
}

const defaults = {
  accountSlug: undefined,
  isWhatsappEnabled: false,
  connectionId: undefined,
  defaultCountry: 'IN',
  timezone: 'Asia/Kolkata',
  chosenTimezone: undefined,
  languages: ['en'],
  templates: {},
  support: {},
  quietHours: undefined,
  guards: undefined,
  inDoubtPolicy: 'resend_once',
  fallbackOnFailed: false,
  portalUrl: undefined,
  flows: undefined,
}

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`settings on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database
    let reads: number
    let changed: number[]
    let store: SettingsStore
    let account = 1_000

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    beforeEach(() => {
      account++
      reads = 0
      changed = []
      const counting: Database = {
        ...database,
        select: (sql, bind) => {
          reads++
          return database.select(sql, bind)
        },
      }
      store = createSettingsStore({ database: counting, now, onChange: (accountId) => changed.push(accountId) })
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    it('an unknown account is switched off, with the defaults', async () => {
      expect(await store.get(account)).to.deep.equal({ accountId: account, ...defaults })
      expect(await store.get(account, '1299')).to.deep.equal({ accountId: account, ...defaults })
    })

    it('gives back everything that was put, and tells of the change after it', async () => {
      const put = await store.put(account, undefined, full)
      const { templates, whatsappSenderConnectionId, ...rest } = full
      expect(put).to.deep.include({ accountId: account, connectionId: 17, ...rest })
      expect(put.templates.otp_cancellation).to.deep.include({ name: 'my_otp', language: 'en' })
      expect(await store.get(account)).to.deep.equal(put)
      expect(changed).to.deep.equal([account])
      expect([Object.keys(templates ?? {}).length, whatsappSenderConnectionId]).to.deep.equal([1, '17'])
    })

    it('replaces as a whole: what is not said any more is gone', async () => {
      await store.put(account, undefined, full)
      const { accountSlug, ...bare } = await store.put(account, undefined, { isWhatsappEnabled: false })
      expect({ accountSlug, ...bare }).to.deep.equal({ accountId: account, ...defaults })
    })

    it('null takes back a connection and quiet hours', async () => {
      await store.put(account, undefined, full)
      const input = { ...full, whatsappSenderConnectionId: null, quietHours: null }
      expect(await store.put(account, undefined, input)).to.include({ connectionId: undefined, quietHours: undefined })
    })

    it('a channel goes before its account where it says something, and stands alone in nothing else', async () => {
      await store.put(account, undefined, full)
      const templates = { address_issue: { name: 'our_address', language: 'hi' } }
      await store.put(account, '1299', { isWhatsappEnabled: false, timezone: 'Asia/Dubai', templates })
      const channel = await store.get(account, '1299')
      expect(channel).to.deep.include({ isWhatsappEnabled: false, timezone: 'Asia/Dubai', connectionId: 17 })
      expect(channel).to.deep.include({ accountSlug: 'acme-store', languages: ['hi', 'en'] })
      expect(Object.keys(channel.templates)).to.have.members(['otp_cancellation', 'address_issue'])
      expect(await store.get(account)).to.include({ isWhatsappEnabled: true, timezone: 'Europe/Berlin' })
      expect(await store.get(account, '1300')).to.include({ isWhatsappEnabled: true, timezone: 'Europe/Berlin' })
    })

    it('a channel id beyond 2^53 is its own channel', async () => {
      await store.put(account, '9007199254740993', { isWhatsappEnabled: true })
      expect(await store.get(account, '9007199254740993')).to.include({ isWhatsappEnabled: true })
      expect(await store.get(account, '9007199254740992')).to.include({ isWhatsappEnabled: false })
    })

    it('has so many channels at most; those that are there can be changed', async () => {
      await store.put(account, undefined, full)
      const stamps = { created_at: sqlTime(now()), updated_at: sqlTime(now()) }
      const others = Array.from({ length: 199 }, (_, index) => ({
        account_id: account,
        channel_id: index + 1,
        ...stamps,
      }))
      await insertRows(database, 'poe_channel_settings', others)
      await store.put(account, '200', full)
      const refused = await store.put(account, '201', full).catch((error: unknown) => error)
      expect(refused).to.be.instanceOf(TooManyChannelsError)
      const channels = "SELECT id FROM poe_channel_settings WHERE account_id = $1 AND channel_id <> '0'"
      expect(await database.select(channels, [account])).to.have.length(200)
      expect(await store.put(account, '200', { isWhatsappEnabled: false })).to.include({ isWhatsappEnabled: false })
      await store.put(account, undefined, { isWhatsappEnabled: false })
      account++
      await store.put(account, '201', full)
    })

    it('reads of many channels only the one that is put, until somebody asks', async () => {
      for (let channel = 1; channel <= 20; channel++) await store.put(account, String(channel), full)
      const read: number[] = []
      const watching = <T extends Executor>(executor: T): T => ({
        ...executor,
        select: async <R>(sql: string, bind?: readonly SqlValue[]) => {
          const rows = await executor.select<R>(sql, bind)
          read.push(rows.length)
          return rows
        },
      })
      const transaction: Database['transaction'] = (work) => database.transaction((tx) => work(watching(tx)))
      await createSettingsStore({ database: { ...database, transaction }, now }).put(account, '7', {
        ...full,
        timezone: 'UTC',
      })
      expect(Math.max(...read)).to.equal(2)
    })

    it('does not touch other accounts', async () => {
      await store.put(account, undefined, full)
      account++
      await store.put(account, undefined, { isWhatsappEnabled: false })
      expect(await store.get(account - 1)).to.include({ isWhatsappEnabled: true, connectionId: 17 })
    })

    it('reads the database once per account, channels included, until it is dropped', async () => {
      await Promise.all([store.get(account), store.get(account), store.get(account, '1299')])
      await store.get(account)
      const readsOfOne = reads
      expect(readsOfOne).to.equal(2)
      await createSettingsStore({ database, now }).put(account, undefined, { isWhatsappEnabled: true })
      expect(await store.get(account)).to.include({ isWhatsappEnabled: false })
      store.drop(account)
      expect(await store.get(account)).to.include({ isWhatsappEnabled: true })
      expect(reads).to.equal(readsOfOne * 2)
    })

    it('answers those who ask while it is dropped, and does not remember what they got', async () => {
      await store.get(account)
      store.drop(account)
      const asking = store.get(account)
      await Promise.resolve()
      await createSettingsStore({ database, now }).put(account, undefined, { isWhatsappEnabled: true })
      store.drop(account)
      expect(await asking).to.have.property('accountId', account)
      expect(await store.get(account)).to.include({ isWhatsappEnabled: true })
    })

    it('enters a template that is not known yet as unverified, once', async () => {
      const input = { ...full, templates: { address_issue: { name: 'brand_new', language: 'en' } } }
      await store.put(account, undefined, input)
      await store.put(account, '1299', input)
      const rows = await database.select<{ status: string; connection_id: number }>(
        'SELECT status, connection_id FROM wa_templates WHERE template_name = $1',
        ['brand_new'],
      )
      expect(rows).to.deep.equal([{ status: 'UNVERIFIED', connection_id: 17 }])
    })

    const named = (name: string, whatsappSenderConnectionId: string | null = '17') => ({
      ...full,
      whatsappSenderConnectionId,
      templates: { address_issue: { name, language: 'en' } },
    })
    const registered = async (names: readonly string[]) => {
      const rows = await selectIn<{ template_name: string; connection_id: number }>(
        database,
        'SELECT template_name, connection_id FROM wa_templates WHERE template_name',
        names,
      )
      return rows.map(({ template_name, connection_id }) => `${template_name} at ${connection_id}`).sort()
    }

    it('forgets a template that nobody names any more, unless more than its name is known', async () => {
      const other = account + 100_000
      const names = ['first', 'shared', 'sent'].map((name) => `${name}_${account}`)
      const [first = '', shared = '', sent = ''] = names
      await store.put(account, undefined, named(first))
      await store.put(account, undefined, named(shared))
      expect(await registered(names)).to.deep.equal([`${shared} at 17`])
      await store.put(other, undefined, named(shared))
      await store.put(account, undefined, named(sent))
      await database.write('UPDATE wa_templates SET sent_count = 1 WHERE template_name = $1', [sent])
      await store.put(account, undefined, { ...full, templates: {} })
      expect(await registered(names)).to.deep.equal([`${sent} at 17`, `${shared} at 17`])
      expect((await store.get(other)).templates.address_issue?.name).to.equal(shared)
    })

    it('keeps what accounts name apart from the built-in templates', async () => {
      const name = `unplaced_${account}`
      await store.put(account, undefined, named(name, null))
      expect(await registered([name])).to.deep.equal([`${name} at -1`])
      expect((await store.get(account)).templates.address_issue?.name).to.equal(name)
    })

    it('loses no name that one account takes while another gives it up', async () => {
      const [one, other] = [account, account + 100_000]
      const names = [`ping_${account}`, `pong_${account}`]
      for (let round = 0; round < 10; round++) {
        const [mine = '', theirs = ''] = round % 2 === 0 ? names : [...names].reverse()
        await Promise.all([store.put(one, undefined, named(mine)), store.put(other, undefined, named(theirs))])
        store.drop(one)
        store.drop(other)
        expect((await store.get(one)).templates.address_issue?.name).to.equal(mine)
        expect((await store.get(other)).templates.address_issue?.name).to.equal(theirs)
      }
    })

    it('keeps one whole set of settings when several are put at once', async () => {
      const inputs = ['1', '2', '3', '4'].map((id) => ({
        ...full,
        accountSlug: `slug-${id}`,
        whatsappSenderConnectionId: id,
        templates: id === '4' ? {} : { otp_cancellation: { name: `otp_${id}`, language: 'en' } },
      }))
      for (let round = 0; round < 3; round++) {
        await Promise.all(inputs.map((input) => store.put(account, undefined, input)))
        store.drop(account)
        const { accountSlug, connectionId, templates } = await store.get(account)
        expect(accountSlug).to.equal(`slug-${connectionId}`)
        expect(templates.otp_cancellation?.name).to.equal(connectionId === 4 ? undefined : `otp_${connectionId}`)
        const rows = await database.select('SELECT id FROM poe_channel_settings WHERE account_id = $1', [account])
        expect(rows).to.have.length(1)
      }
    })
  })
}

describe('settings schema', () => {
  const refusals: [string, object][] = [
    ['isWhatsappEnabled', {}],
    ['isWhatsappEnabled', { isWhatsappEnabled: 1 }],
    ['whatsappSenderConnectionId', { isWhatsappEnabled: true, whatsappSenderConnectionId: 'one' }],
    ['defaultCountry', { isWhatsappEnabled: true, defaultCountry: 'in' }],
    ['timezone', { isWhatsappEnabled: true, timezone: 'Mars/Olympus' }],
    ['languages', { isWhatsappEnabled: true, languages: [] }],
    ['languages.0', { isWhatsappEnabled: true, languages: ['english'] }],
    [
      'templates.otp_cancellation.name',
      { isWhatsappEnabled: true, templates: { otp_cancellation: { name: 'A', language: 'en' } } },
    ],
    ['support.email', { isWhatsappEnabled: true, support: { email: 'nobody' } }],
    ['quietHours.from', { isWhatsappEnabled: true, quietHours: { from: '24:00', to: '08:00' } }],
    ['inDoubtPolicy', { isWhatsappEnabled: true, inDoubtPolicy: 'always' }],
    ['fallbackOnFailed', { isWhatsappEnabled: true, fallbackOnFailed: 'yes' }],
    ['portalUrl', { isWhatsappEnabled: true, portalUrl: 'http://track.example.com' }],
    ['', { isWhatsappEnabled: true, isWhatsapEnabled: true }],
  ]
  for (const [path, input] of refusals) {
    it(`refuses ${JSON.stringify(input)}`, () => {
      const result = settingsSchema.safeParse(input)
      expect(result.error?.issues.map((issue) => issue.path.join('.'))).to.deep.equal([path])
    })
  }

  it('takes everything that is documented', () => {
    expect(settingsSchema.safeParse(full).success).to.equal(true)
  })
})
