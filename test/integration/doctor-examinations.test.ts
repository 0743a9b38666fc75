import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createSettingsStore } from '../../src/core/accounts/settings.ts'
import type { ProviderConnection } from '../../src/core/contract/provider.ts'
import { createDoctor, type Doctor } from '../../src/core/doctor/doctor.ts'
import { createWebhookNotes } from '../../src/core/doctor/webhook-notes.ts'
import { loadTemplateCatalog } from '../../src/core/notifications/template-catalog.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { aConnection } from '../support/records.ts'
import { createStorage } from '../support/world.ts'

const now = () => new Date('2026-11-20T06:30:00.000Z')
const catalog = loadTemplateCatalog(fileURLToPath(new URL('../../config', import.meta.url)))

describe('examinations of a connection', () => {
  let storage: Awaited<ReturnType<typeof createStorage>>
  let database: Database
  /** Tokens with which the provider was asked. */
  let asked: (string | undefined)[]
  /** Ends what the provider is asked. */
  let answer: (error?: Error) => void
  let doctor: Doctor

  beforeEach(async () => {
    storage = await createStorage('sqlite')
    database = openDatabase({ url: storage.url })
    await migrate(database)
    asked = []
    const ends: ((error?: Error) => void)[] = []
    answer = (error) => {
      for (const end of ends.splice(0)) end(error)
    }
    const check = ({ credentials }: ProviderConnection) => {
      asked.push(credentials.accessToken)
      return new Promise<[]>((resolve, reject) => {
        ends.push((error) => (error ? reject(error) : resolve([])))
      })
    }
    doctor = createDoctor({
      database,
      adapter: () => ({ check }),
      capabilities: () => undefined,
      notes: createWebhookNotes(database, now),
      connections: { proveNumber: async () => {} },
      publicUrl: () => 'https://gateway.example.com',
      templates: {
        catalog: { ...catalog, reasons: new Map() },
        capabilities: () => undefined,
        settings: createSettingsStore({ database, now }).get,
        read: async () => undefined,
      },
      now,
    })
  })
  afterEach(async () => {
    await database.close()
    await storage.drop()
  })

  const tokens = (accessToken: string) => ({ credentials: { accessToken } })

  it('are one, however many ask at once, and begin anew afterwards', async () => {
    const waiting = Array.from({ length: 20 }, () => doctor.examine(aConnection(1, tokens('EAAone'))))
    expect(asked).to.deep.equal(['EAAone'])
    answer()
    const [first, ...others] = await Promise.all(waiting)
    for (const other of others) expect(other).to.deep.equal(first)
    const again = doctor.examine(aConnection(1, tokens('EAAone')))
    expect(asked).to.have.length(2)
    answer()
    await again
  })

  it('are of one connection, with what it is now', async () => {
    const waiting = [
      doctor.examine(aConnection(1, tokens('EAAold'))),
      doctor.examine(aConnection(1, tokens('EAAnew'))),
      doctor.examine(aConnection(2, tokens('EAAother'))),
      doctor.examine(aConnection(1, tokens('EAAnew'))),
    ]
    expect(asked).to.deep.equal(['EAAold', 'EAAnew', 'EAAother'])
    answer()
    await Promise.all(waiting)
  })

  it('begin anew after one that failed', async () => {
    const failed = doctor.examine(aConnection(1, tokens('EAAone'))).catch((error: unknown) => error)
    answer(new Error('nobody there'))
    expect(await failed).to.be.instanceOf(Error)
    const again = doctor.examine(aConnection(1, tokens('EAAone')))
    expect(asked).to.have.length(2)
    answer()
    await again
  })
})
