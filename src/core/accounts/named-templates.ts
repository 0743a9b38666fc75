/** Templates that accounts name, in the registry: entered when first named, forgotten when nobody names them any more. */

import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'

type Storage = Pick<Database, 'keepExisting' | 'forUpdate'>

/** Where those stand whose account names no connection. The built-in ones, at 0, are the installation's alone. */
const noConnection = -1

/** The registry's id of a template; one that is not known yet is entered as unverified. */
export async function enterNamed(
  tx: Executor,
  { keepExisting }: Storage,
  connectionId: string | null,
  { name, language }: { readonly name: string; readonly language: string },
  now: Date,
): Promise<number> {
  const row = {
    connection_id: connectionId ?? noConnection,
    template_name: name,
    language,
    status: 'UNVERIFIED',
    created_at: sqlTime(now),
    updated_at: sqlTime(now),
  }
  await insertRows(tx, 'wa_templates', [row], keepExisting)
  const [found] = await tx.select<{ id: number }>(
    'SELECT id FROM wa_templates WHERE connection_id = $1 AND template_name = $2 AND language = $3',
    [row.connection_id, name, language],
  )
  if (!found) throw new Error('the template that was just entered is not there')
  return found.id
}

/** Forgets those of these templates that nobody names, and of which nothing is known but their name. */
export async function forgetUnnamed(tx: Executor, { forUpdate }: Storage, ids: readonly number[]): Promise<void> {
  // Held first: who is about to name one of them too has done so when the names are read, or enters it anew.
  const held = await selectIn<{ id: number }>(
    tx,
    `SELECT id FROM wa_templates
     WHERE status = 'UNVERIFIED' AND sent_count = 0 AND category IS NULL AND quality IS NULL AND template_body IS NULL AND id`,
    [...ids].sort((a, b) => a - b),
    forUpdate,
  )
  if (held.length === 0) return
  const unknown = held.map(({ id }) => id)
  const head = 'SELECT DISTINCT whatsappTemplateId AS id FROM poe_channel_notifications WHERE whatsappTemplateId'
  const named = new Set((await selectIn<{ id: number }>(tx, head, unknown)).map(({ id }) => Number(id)))
  for (const id of unknown) if (!named.has(Number(id))) await tx.write('DELETE FROM wa_templates WHERE id = $1', [id])
}
