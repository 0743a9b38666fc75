/** The registry of templates (`wa_templates`): the built-in ones, and those that accounts name. */

import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import type { Database } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'

export interface TemplateRegistry {
  /** Registry id of a built-in template. */
  builtInId(name: string, language: string): number | undefined
  /** Adds sent messages to the count of their template; written by {@link TemplateRegistry.flushCounts}. */
  countSent(templateId: number | undefined): void
  /** Writes what was counted. Counts are statistics: a crash may lose the last seconds of them. */
  flushCounts(): Promise<void>
}

const builtIn = 0

/** Enters the built-in templates, or brings their texts up to date, and reads their ids. */
export async function loadTemplateRegistry(
  database: Database,
  catalog: TemplateCatalog,
  now: Date,
): Promise<TemplateRegistry> {
  await enterBuiltIns(database, catalog, sqlTime(now))
  const rows = await database.select<{ id: number; template_name: string; language: string }>(
    'SELECT id, template_name, language FROM wa_templates WHERE connection_id = $1',
    [builtIn],
  )
  const ids = new Map(rows.map((row) => [`${row.template_name}.${row.language}`, Number(row.id)]))
  let counts = new Map<number, number>()
  return {
    builtInId: (name, language) => ids.get(`${name}.${language}`),
    countSent(templateId) {
      if (templateId !== undefined) counts.set(templateId, (counts.get(templateId) ?? 0) + 1)
    },
    async flushCounts() {
      const flushing = [...counts]
      counts = new Map()
      for (const [id, count] of flushing) {
        await database.write('UPDATE wa_templates SET sent_count = sent_count + $2 WHERE id = $1', [id, count])
      }
    },
  }
}

async function enterBuiltIns(database: Database, catalog: TemplateCatalog, at: string): Promise<void> {
  const templates = catalog.keys.flatMap((key) => catalog.languages.map((language) => catalog.template(key, language)))
  const rows = templates.map(({ key, language, category }) => ({
    connection_id: builtIn,
    template_name: key,
    language,
    category,
    status: 'BUILT_IN',
    created_at: at,
    updated_at: at,
  }))
  await insertRows(database, 'wa_templates', rows, database.keepExisting)
  for (const { key, language, source, variables } of templates) {
    await database.write(
      `UPDATE wa_templates SET template_body = $4, variables = $5, parameter_count = $6
       WHERE connection_id = $1 AND template_name = $2 AND language = $3`,
      [builtIn, key, language, source, JSON.stringify(variables), variables.length],
    )
  }
}
