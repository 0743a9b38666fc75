/** Templates of connections as rows: as the provider's list showed them last, and as news changed them since. */

import { createReadCache } from '../accounts/read-cache.ts'
import type { TemplateEffect, TemplateHealth } from '../accounts/template-health.ts'
import type { TemplateUse } from '../contract/events.ts'
import { templateKey } from '../contract/provider.ts'
import type { RegisteredTemplate } from '../contract/templates.ts'
import type { Database, Executor } from '../storage/database.ts'
import { updateRows } from '../storage/rows.ts'
import { fromSqlTime, sqlTime } from '../storage/time.ts'

/** One template as the API shows it. */
export interface ShownTemplate {
  readonly name: string
  readonly language: string
  readonly vendorId: string | null
  readonly status: string
  /** Null: nothing was said about it. */
  readonly use: TemplateUse | null
  readonly category: string | null
  readonly quality: string | null
  readonly body: string | null
  readonly variables: RegisteredTemplate['variables']
  readonly buttons: RegisteredTemplate['buttons']
  readonly sentCount: number
  /** When the provider's list showed it last. */
  readonly seenAt: Date | null
}

export interface TemplateStore {
  list(connectionId: number): Promise<ShownTemplate[]>
  /** Those of the provider's list, as they stand; undefined where it was never read. */
  listed(connectionId: number): Promise<RegisteredTemplate[] | undefined>
  /**
   * Writes down a whole list: what is new in it or other than before, and what was seen before and is gone.
   * @param at when the provider was asked: news that came afterwards stays
   */
  saveList(connectionId: number, templates: readonly RegisteredTemplate[], at: Date): Promise<void>
}

type Definition = Pick<RegisteredTemplate, 'variables' | 'buttons' | 'otherValues'>

interface TemplateRow {
  id: number
  template_name: string
  language: string
  vendor_id: string | null
  status: string
  template_use: TemplateUse | null
  category: string | null
  quality: string | null
  template_body: string | null
  definition: string | null
  sent_count: number
  seen_at: string | null
}

interface Change {
  /** Absent: it is gone. */
  readonly template?: RegisteredTemplate
  readonly effects: readonly TemplateEffect[]
}

/** Messages that are asked for together mostly name one template. */
const listCacheMs = 1_000

/** So many are written in one transaction. */
const chunkSize = 25

export function createTemplateStore(database: Database, health: TemplateHealth): TemplateStore {
  const rowsOf = (connectionId: number) =>
    database.select<TemplateRow>(
      `SELECT id, template_name, language, vendor_id, status, template_use, category, quality, template_body, definition,
         sent_count, seen_at
       FROM wa_templates WHERE connection_id = $1 ORDER BY template_name, language`,
      [connectionId],
    )
  const readList = async (connectionId: number) => {
    const seen = (await rowsOf(connectionId)).filter((row) => row.seen_at !== null)
    const templates = seen.filter(({ status }) => status !== gone).map(registeredTemplate)
    return { templates: seen.length > 0 ? templates : undefined }
  }
  const lists = createReadCache({ max: 100, maxAgeMs: listCacheMs, read: readList })
  return {
    list: async (connectionId) => (await rowsOf(connectionId)).map(shownTemplate),
    listed: async (connectionId) => (await lists.fetch(connectionId))?.templates,
    async saveList(connectionId, templates, at) {
      const known = new Map((await rowsOf(connectionId)).map((row) => [keyOf(row), row]))
      const listed = new Set(templates.map(templateKey))
      const missing = [...known.values()].filter((row) => row.seen_at !== null && !listed.has(keyOf(row)))
      const changes: Change[] = [
        ...templates.map((template) => ({ template, effects: effectsOf(template, known.get(templateKey(template))) })),
        ...missing.map(({ template_name: name, language }) => ({ effects: [deleted({ name, language })] })),
      ]
      for (let start = 0; start < changes.length; start += chunkSize) {
        const chunk = changes.slice(start, start + chunkSize)
        await database.transaction(async (tx) => {
          for (const { effects } of chunk)
            for (const effect of effects) await health.record(tx, connectionId, effect, at, at)
          await saveDefinitions(
            tx,
            connectionId,
            chunk.flatMap(({ template }) => template ?? []),
            at,
          )
        })
      }
      health.drop(connectionId)
      lists.delete(connectionId)
    },
  }
}

const keyOf = ({ template_name: name, language }: TemplateRow): string => templateKey({ name, language })

const gone = 'DELETED'

const deleted = (template: { readonly name: string; readonly language: string }): TemplateEffect => ({
  type: 'template_status',
  template,
  status: gone,
  use: 'not_approved',
})

/** What is other than the row says; a template that is new has at least a status. */
function effectsOf(template: RegisteredTemplate, row: TemplateRow | undefined): TemplateEffect[] {
  const { name, language, status, use, category, quality, body } = template
  const key = { name, language }
  const isSameUse = use === undefined || row?.template_use === use
  return [
    ...(row?.status === status && isSameUse
      ? []
      : [{ type: 'template_status', template: key, status, ...(use ? { use } : {}) } as const]),
    ...(category && row?.category !== category
      ? [{ type: 'template_category', template: key, category } as const]
      : []),
    ...(quality && row?.quality !== quality ? [{ type: 'template_quality', template: key, quality } as const] : []),
    ...(row?.template_body === body ? [] : [{ type: 'template_body', template: key, body } as const]),
  ]
}

async function saveDefinitions(
  tx: Executor,
  connectionId: number,
  templates: readonly RegisteredTemplate[],
  at: Date,
): Promise<void> {
  if (templates.length === 0) return
  const rows = await tx.select<{ id: number; template_name: string; language: string }>(
    'SELECT id, template_name, language FROM wa_templates WHERE connection_id = $1',
    [connectionId],
  )
  const ids = new Map(rows.map(({ id, template_name: name, language }) => [templateKey({ name, language }), id]))
  const changed = templates.flatMap((template) => {
    const id = ids.get(templateKey(template))
    return id === undefined ? [] : [{ id, ...definitionColumns(template), seen_at: sqlTime(at) }]
  })
  await updateRows(tx, 'wa_templates', changed)
}

function definitionColumns({ vendorId, variables, buttons, otherValues }: RegisteredTemplate) {
  const definition: Definition = { variables, buttons, otherValues }
  return {
    vendor_id: vendorId?.slice(0, 64) ?? null,
    variables: JSON.stringify(variables.map(({ name }) => name)),
    parameter_count: variables.length,
    definition: JSON.stringify(definition),
  }
}

const undefinedYet: Definition = { variables: [], buttons: [], otherValues: [] }

const definitionOf = ({ definition }: TemplateRow): Definition =>
  definition ? (JSON.parse(definition) as Definition) : undefinedYet

function shownTemplate(row: TemplateRow): ShownTemplate {
  const { variables, buttons } = definitionOf(row)
  return {
    name: row.template_name,
    language: row.language,
    vendorId: row.vendor_id,
    status: row.status,
    use: row.template_use,
    category: row.category,
    quality: row.quality,
    body: row.template_body,
    variables,
    buttons,
    sentCount: Number(row.sent_count),
    seenAt: fromSqlTime(row.seen_at),
  }
}

function registeredTemplate(row: TemplateRow): RegisteredTemplate {
  const { name, language, status, body, variables, buttons } = shownTemplate(row)
  const { otherValues } = definitionOf(row)
  const use = row.template_use ? { use: row.template_use } : {}
  return { name, language, status, ...use, body: body ?? '', variables, buttons, otherValues }
}
