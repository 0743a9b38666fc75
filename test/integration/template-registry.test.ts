import { expect } from 'chai'
import { loadTemplateRegistry } from '../../src/core/accounts/templates.ts'
import { loadTemplateCatalog } from '../../src/core/notifications/template-catalog.ts'
import { type Database, openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { configDir } from '../../src/paths.ts'
import { createStorage, type Storage } from '../support/world.ts'

const now = new Date('2026-11-20T06:30:00Z')
const catalog = loadTemplateCatalog(configDir)

interface TemplateRow {
  id: number
  template_name: string
  template_body: string
  variables: string
  language: string
  parameter_count: number
  sent_count: number
}

for (const kind of ['sqlite', 'mysql'] as Storage[]) {
  describe(`template registry on ${kind}`, () => {
    let storage: Awaited<ReturnType<typeof createStorage>>
    let database: Database

    before(async () => {
      storage = await createStorage(kind)
      database = openDatabase({ url: storage.url })
      await migrate(database)
    })
    after(async () => {
      await database.close()
      await storage.drop()
    })

    const rows = () => database.select<TemplateRow>('SELECT * FROM wa_templates ORDER BY id')

    it('enters every built-in template in every language, as its text stands', async () => {
      const registry = await loadTemplateRegistry(database, catalog, now)
      const stored = await rows()
      expect(stored).to.have.length(new Set(stored.map((row) => `${row.template_name}.${row.language}`)).size)
      for (const key of catalog.keys) {
        for (const language of catalog.languages) {
          const template = catalog.template(key, language)
          const row = stored.find(({ id }) => id === registry.builtInId(key, template.language))
          expect(row).to.include({ template_name: key, template_body: template.source })
          expect(JSON.parse(row?.variables ?? '')).to.deep.equal(template.variables)
          expect(row?.parameter_count).to.equal(template.variables.length)
        }
      }
      expect(registry.builtInId('fdr_nothing', 'en')).to.equal(undefined)
    })

    it('keeps ids and counts at the next start, and brings texts up to date', async () => {
      const before = await rows()
      await database.write("UPDATE wa_templates SET template_body = 'old', status = 'UNVERIFIED', sent_count = 4")
      await loadTemplateRegistry(database, catalog, now)
      expect(await rows()).to.deep.equal(before.map((row) => ({ ...row, sent_count: 4 })))
      await database.write('UPDATE wa_templates SET sent_count = 0')
    })

    it('adds what was sent to the counts, once', async () => {
      const registry = await loadTemplateRegistry(database, catalog, now)
      const id = registry.builtInId('fdr_otp_cancellation', 'en')
      for (const templateId of [id, id, undefined, id]) registry.countSent(templateId)
      await registry.flushCounts()
      await registry.flushCounts()
      registry.countSent(id)
      await registry.flushCounts()
      const counts = (await rows()).filter(({ sent_count }) => sent_count > 0)
      expect(counts.map((row) => ({ id: row.id, sent: row.sent_count }))).to.deep.equal([{ id, sent: 4 }])
    })
  })
}
