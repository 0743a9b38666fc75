/** Replaces one layer of settings, together with its audit entry. */

import { changesBetween, writeAudit } from '../audit/audit-log.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { enterNamed, forgetUnnamed } from './named-templates.ts'
import { type Layer, loadLayers, wholeAccount } from './settings-layers.ts'
import type { SettingsInput } from './settings-schema.ts'

/** Who changes settings, and what they may not. */
export interface SettingsChange {
  /** As the audit names them. */
  readonly actor: string
  /** The account's name stays, whatever the input says: consumers know the account by it. */
  readonly keepsSlug: boolean
}

/** All of them are read for one event of their account. */
const maxChannels = 200

export class TooManyChannelsError extends Error {
  override readonly name = 'TooManyChannelsError'
  constructor() {
    super(`an account has settings of ${maxChannels} channels at most`)
  }
}

/** An account, or one of its channels. */
export interface Place {
  readonly accountId: number
  readonly channelId: string
}

/** @throws {TooManyChannelsError} */
export async function writeSettings(
  tx: Executor,
  database: Database,
  { accountId, channelId }: Place,
  input: SettingsInput,
  { actor, keepsSlug }: SettingsChange,
  now: Date,
): Promise<void> {
  const place = { account_id: accountId, channel_id: channelId }
  const stamps = { created_at: sqlTime(now), updated_at: sqlTime(now) }
  // The row is taken first, so that a second writer waits instead of meeting a key that has come meanwhile.
  await insertRows(tx, 'poe_channel_settings', [{ ...place, ...stamps }], database.keepExisting)
  const before = await layerAt(tx, accountId, channelId)
  // The switch is written with every set of settings: without it the row has come just now.
  if (before?.isWhatsappEnabled === undefined && channelId !== wholeAccount) await assertRoom(tx, accountId)
  for (const table of ['poe_channel_settings', 'poe_channel_notifications']) {
    await tx.write(`DELETE FROM ${table} WHERE account_id = $1 AND channel_id = $2`, [accountId, channelId])
  }
  const slug = keepsSlug ? before?.accountSlug : input.accountSlug
  await insertLayer(tx, database, { place, stamps, now }, { ...input, accountSlug: slug })
  const after = await layerAt(tx, accountId, channelId)
  await forgetUnnamed(
    tx,
    database,
    templateIdsOf(before).filter((id) => !templateIdsOf(after).includes(id)),
  )
  const detail = changesBetween(shownLayer(before), shownLayer(after))
  const subjectId = channelId === wholeAccount ? String(accountId) : `${accountId}/${channelId}`
  const subject = { subjectType: 'settings', subjectId, accountId }
  if (Object.keys(detail.after).length === 0) return
  await writeAudit(tx, { actor, action: 'settings.change', ...subject, detail }, now)
}

/** The row that was taken is counted already. */
async function assertRoom(tx: Executor, accountId: number): Promise<void> {
  const [count] = await tx.select<{ n: number }>(
    'SELECT COUNT(*) AS n FROM poe_channel_settings WHERE account_id = $1 AND channel_id <> 0',
    [accountId],
  )
  if (Number(count?.n) > maxChannels) throw new TooManyChannelsError()
}

const layerAt = async (tx: Executor, accountId: number, channelId: string) =>
  (await loadLayers(tx, accountId, channelId)).get(channelId)

const templateIdsOf = (layer: Layer | undefined): number[] =>
  Object.values(layer?.templates ?? {}).map(({ id }) => Number(id))

/** What the audit tells of a layer. */
const shownLayer = ({ preferences, ...layer }: Layer = { templates: {}, preferences: {} }) => ({
  ...layer,
  ...preferences,
})

interface LayerRow {
  readonly place: { readonly account_id: number; readonly channel_id: string }
  readonly stamps: { readonly created_at: string; readonly updated_at: string }
  readonly now: Date
}

async function insertLayer(
  tx: Executor,
  database: Database,
  { place, stamps, now }: LayerRow,
  input: SettingsInput,
): Promise<void> {
  const { accountSlug = null, isWhatsappEnabled, whatsappSenderConnectionId, templates = {}, ...preferences } = input
  const connectionId = whatsappSenderConnectionId ?? null
  const settings = {
    ...place,
    account_slug: accountSlug,
    whatsappSenderConnectionId: connectionId,
    preferences: JSON.stringify(preferences),
    ...stamps,
  }
  await insertRows(tx, 'poe_channel_settings', [settings])
  const notification = (reason: string, template: number | null) => ({
    ...place,
    isWhatsappEnabled: isWhatsappEnabled ? 1 : 0,
    reason,
    whatsappTemplateId: template,
    ...stamps,
  })
  const notifications = [notification('', null)]
  for (const [reason, template] of Object.entries(templates)) {
    notifications.push(notification(reason, await enterNamed(tx, database, connectionId, template, now)))
  }
  await insertRows(tx, 'poe_channel_notifications', notifications)
}
