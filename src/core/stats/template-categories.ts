/** Price categories of templates, as the registry of their own connection knows them. */

import { LRUCache } from 'lru-cache'
import type { Database, Executor } from '../storage/database.ts'
import { selectIn } from '../storage/rows.ts'

/** Name of a template -> its price category. */
export type Categories = ReadonlyMap<string, string>

/** In place of a connection: any of them. */
export const anyConnection = 'any'

export interface TemplateCategories {
  /**
   * @param connections ids; {@link anyConnection} where a sum does not know its connections: the category that most
   *   connections have of a name
   */
  of(connections: readonly string[]): Promise<ReadonlyMap<string, Categories>>
}

/** Categories change seldom, and what is told is corrected by the next look. */
const maxAgeMs = 60_000
/** Templates in memory at most. */
const maxKept = 100_000
/** Names of all connections together: those that most of them have. */
const maxOfAny = 20_000

export function createTemplateCategories(database: Database): TemplateCategories {
  const cache = new LRUCache<string, Categories>({
    maxSize: maxKept,
    sizeCalculation: (categories) => categories.size + 1,
    ttl: maxAgeMs,
  })
  return {
    async of(connections) {
      const found = new Map<string, Categories>()
      for (const id of connections) {
        const known = cache.get(id)
        if (known) found.set(id, known)
      }
      const missing = connections.filter((id) => !found.has(id))
      for (const [id, categories] of await readCategories(database, missing)) {
        found.set(id, categories)
        cache.set(id, categories)
      }
      return found
    },
  }
}

async function readCategories(executor: Executor, ids: readonly string[]): Promise<Map<string, Categories>> {
  const read = new Map<string, Map<string, string>>(ids.map((id) => [id, new Map()]))
  const rows = await selectIn<{ id: number; name: string; category: string }>(
    executor,
    `SELECT connection_id AS id, template_name AS name, MAX(category) AS category FROM wa_templates
     WHERE category IS NOT NULL AND connection_id`,
    ids.filter((id) => id !== anyConnection).map(Number),
    ' GROUP BY connection_id, template_name',
  )
  for (const { id, name, category } of rows) read.get(String(id))?.set(name, category.toLowerCase())
  if (ids.includes(anyConnection)) read.set(anyConnection, await readCommon(executor))
  return read
}

async function readCommon(executor: Executor): Promise<Map<string, string>> {
  const rows = await executor.select<{ name: string; category: string }>(
    `SELECT template_name AS name, category FROM wa_templates WHERE category IS NOT NULL
     GROUP BY template_name, category ORDER BY COUNT(DISTINCT connection_id) DESC, template_name, category
     LIMIT ${maxOfAny}`,
  )
  const common = new Map<string, string>()
  for (const { name, category } of rows) if (!common.has(name)) common.set(name, category.toLowerCase())
  return common
}
