/** What providers say of templates at single connections: read whenever a route is chosen, so cached. */

import type { NewsEffect, TemplateKey, TemplateUse } from '../contract/events.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { createReadCache } from './read-cache.ts'

export type TemplateEffect = Extract<NewsEffect, { readonly template: TemplateKey }>

export interface KnownTemplate {
  /** Null: nothing was said about it. */
  readonly use: TemplateUse | null
  /** The provider's category in capitals, e.g. `UTILITY` or `MARKETING`; null when it never told. */
  readonly category: string | null
  readonly quality: string | null
  /** Did the provider's list show it? Then that was read: what it did not show is not there. */
  readonly isListed: boolean
}

export interface TemplateHealth {
  /** What is known of a template at a connection; undefined = nothing, so it counts as usable. */
  get(connectionId: number, template: TemplateKey): Promise<KnownTemplate | undefined>
  /** Writes down what news says, unless newer news of the same kind was written before. */
  record(tx: Executor, connectionId: number, effect: TemplateEffect, at: Date, now: Date): Promise<void>
  /** Forgets what is cached of a connection. */
  drop(connectionId: number): void
}

/** Bounds how long a replica that missed the news goes on with what it knew. */
const cacheMs = 30_000
const longestName = 512
const longestLanguage = 16

export function createTemplateHealth(database: Database): TemplateHealth {
  const read = (connectionId: number) => load(database, connectionId)
  const cache = createReadCache({ max: 20_000, maxAgeMs: cacheMs, read })
  return {
    get: async (connectionId, template) => (await cache.fetch(connectionId))?.get(keyOf(template)),
    async record(tx, connectionId, effect, at, now) {
      const { name, language } = effect.template
      const key = [connectionId, name.slice(0, longestName), language.slice(0, longestLanguage)] as const
      await enter(tx, database.keepExisting, key, now)
      const { values, timeColumn } = columnsOf(effect)
      const columns = { ...values, updated_at: sqlTime(now), ...(timeColumn ? { [timeColumn]: sqlTime(at) } : {}) }
      const assignments = Object.keys(columns).map((column, index) => `${column} = $${index + 4}`)
      const last = Object.keys(columns).length + 3
      const isNewer = timeColumn ? `AND (${timeColumn} IS NULL OR ${timeColumn} <= $${last})` : ''
      await tx.write(
        `UPDATE wa_templates SET ${assignments.join(', ')}
         WHERE connection_id = $1 AND template_name = $2 AND language = $3 ${isNewer}`,
        [...key, ...Object.values(columns)],
      )
    },
    drop: (connectionId) => void cache.delete(connectionId),
  }
}

/** A language may be written `en_US` or `en-US`. */
const keyOf = ({ name, language }: TemplateKey): string => `${name}/${language.replace('-', '_')}`

interface TemplateRow {
  template_name: string
  language: string
  template_use: TemplateUse | null
  category: string | null
  quality: string | null
  seen_at: string | null
}

async function load(database: Database, connectionId: number): Promise<ReadonlyMap<string, KnownTemplate>> {
  const rows = await database.select<TemplateRow>(
    `SELECT template_name, language, template_use, category, quality, seen_at FROM wa_templates
     WHERE connection_id = $1`,
    [connectionId],
  )
  return new Map(
    rows.map(({ template_name: name, language, template_use: use, category, quality, seen_at }) => [
      keyOf({ name, language }),
      { use, category, quality, isListed: seen_at !== null },
    ]),
  )
}

async function enter(
  tx: Executor,
  keepExisting: string,
  [connectionId, name, language]: readonly [number, string, string],
  now: Date,
): Promise<void> {
  const row = {
    connection_id: connectionId,
    template_name: name,
    language,
    status: 'UNVERIFIED',
    created_at: sqlTime(now),
    updated_at: sqlTime(now),
  }
  await insertRows(tx, 'wa_templates', [row], keepExisting)
}

function columnsOf(effect: TemplateEffect): { values: Record<string, string>; timeColumn?: string } {
  switch (effect.type) {
    case 'template_status':
      return {
        values: { status: effect.status.slice(0, 32), ...(effect.use ? { template_use: effect.use } : {}) },
        timeColumn: 'status_at',
      }
    case 'template_category':
      return { values: { category: effect.category.slice(0, 32) }, timeColumn: 'category_at' }
    case 'template_quality':
      return { values: { quality: effect.quality.slice(0, 16) }, timeColumn: 'quality_at' }
    case 'template_body':
      return { values: { template_body: effect.body } }
  }
}
