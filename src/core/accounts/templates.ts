/** The registry of templates (`wa_templates`): the built-in ones, and those that accounts name. */

import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import type { Database } from '../storage/database.ts'
import { insertRows, updateRows } from '../storage/rows.ts'
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

interface BuiltInRow {
  id: number
  template_name: string
  language: string
  status: string
  template_body: string | null
  variables: string | null
}

/** Every process that starts does this, so what is there as it should be costs one look. */
async function enterBuiltIns(database: Database, catalog: TemplateCatalog, at: string): Promise<void> {
  const found = await database.select<BuiltInRow>(
    'SELECT id, template_name, language, status, template_body, variables FROM wa_templates WHERE connection_id = $1',
    [builtIn],
  )
  const known = new Map(found.map((row) => [`${row.template_name}.${row.language}`, row]))
  const templates = catalog.keys.flatMap((key) => catalog.languages.map((language) => catalog.template(key, language)))
  const entries = templates.map(({ key, language, category, source, variables }) => ({
    row: known.get(`${key}.${language}`),
    place: { connection_id: builtIn, template_name: key, language, category, status: 'BUILT_IN', created_at: at },
    text: { template_body: source, variables: JSON.stringify(variables), parameter_count: variables.length },
  }))
  const missing = entries.filter(({ row }) => row === undefined)
  await insertRows(
    database,
    'wa_templates',
    missing.map(({ place, text }) => ({ ...place, ...text, updated_at: at })),
    database.keepExisting,
  )
  const changed = entries.flatMap(({ row, place, text }) =>
    row &&
    // An account may have named it before it was built in.
    (row.status !== place.status || row.template_body !== text.template_body || row.variables !== text.variables)
      ? [{ id: row.id, ...text, status: place.status, updated_at: at }]
      : [],
  )
  await updateRows(database, 'wa_templates', changed)
}
