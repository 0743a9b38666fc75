/** What an account chose, per account and per channel; read on every event, so cached. */

import { z } from 'zod'
import { changesBetween, writeAudit } from '../audit/audit-log.ts'
import { type FlowsOverride, flowsOverrideSchema } from '../conversations/flows.ts'
import { joinOverrides } from '../conversations/flows-override.ts'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import { enterNamed, forgetUnnamed } from './named-templates.ts'
import { publicUrl } from './public-url.ts'
import { createReadCache } from './read-cache.ts'

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be hh:mm')
const timezone = z.string().refine((zone) => isTimezone(zone), 'is not a time zone such as Asia/Kolkata')

/** The body of PUT settings. Everything but the switch may be left out. */
export const settingsSchema = z.strictObject({
  accountSlug: z.string().min(1).max(128).optional(),
  isWhatsappEnabled: z.boolean(),
  whatsappSenderConnectionId: z
    .string()
    .regex(/^\d{1,18}$/)
    .nullable()
    .optional(),
  defaultCountry: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  timezone: timezone.optional(),
  languages: z
    .array(z.string().regex(/^[a-z]{2}(_[A-Z]{2})?$/))
    .min(1)
    .max(10)
    .optional(),
  templates: z
    .record(
      z.string().regex(/^[a-z_]{1,40}$/),
      z.strictObject({ name: z.string().regex(/^[a-z0-9_]{1,512}$/), language: z.string().min(2).max(16) }),
    )
    .optional(),
  support: z
    .strictObject({ phone: z.string().max(32), email: z.email().max(254) })
    .partial()
    .optional(),
  quietHours: z.strictObject({ from: clockTime, to: clockTime }).nullable().optional(),
  inDoubtPolicy: z.enum(['resend_once', 'never']).optional(),
  /** Is a first message that was taken and failed in the end told once more through the fallback connection? */
  fallbackOnFailed: z.boolean().optional(),
  portalUrl: publicUrl.optional(),
  flows: flowsOverrideSchema.optional(),
})

export type SettingsInput = z.infer<typeof settingsSchema>

export interface AccountTemplate {
  readonly id: number
  readonly name: string
  readonly language: string
}

/** Settings as they hold for one account and channel, defaults filled in. */
export interface AccountSettings {
  readonly accountId: number
  readonly accountSlug: string | undefined
  readonly isWhatsappEnabled: boolean
  readonly connectionId: number | undefined
  readonly defaultCountry: string
  readonly timezone: string
  readonly languages: readonly string[]
  /** Reason -> the account's own template; a reason that is absent uses the built-in one. */
  readonly templates: Readonly<Record<string, AccountTemplate>>
  readonly support: { readonly phone?: string | undefined; readonly email?: string | undefined }
  readonly quietHours: { readonly from: string; readonly to: string } | undefined
  readonly inDoubtPolicy: 'resend_once' | 'never'
  readonly fallbackOnFailed: boolean
  readonly portalUrl: string | undefined
  /** What it wants otherwise than the installation's flows. */
  readonly flows: FlowsOverride | undefined
}

/** Who changes settings, and what they may not. */
export interface SettingsChange {
  /** As the audit names them. */
  readonly actor: string
  /** The account's name stays, whatever the input says: consumers know the account by it. */
  readonly keepsSlug: boolean
}

export class TooManyChannelsError extends Error {
  override readonly name = 'TooManyChannelsError'
  constructor() {
    super(`an account has settings of ${maxChannels} channels at most`)
  }
}

export interface SettingsStore {
  /** Settings of an account's channel; the account's own where the channel says nothing. Never rejects as unknown. */
  get(accountId: number, channelId?: string): Promise<AccountSettings>
  /**
   * Replaces the settings of an account (or of one channel of it).
   * @throws {TooManyChannelsError}
   */
  put(
    accountId: number,
    channelId: string | undefined,
    input: SettingsInput,
    change?: SettingsChange,
  ): Promise<AccountSettings>
  /** Forgets what is cached of an account. */
  drop(accountId: number): void
}

export interface SettingsDeps {
  readonly database: Database
  readonly now: () => Date
  /** Told after a change has been committed. */
  readonly onChange?: (accountId: number) => void
  /** A clock that never goes back. Default: the process's own. */
  readonly nowMs?: () => number
}

/** Bounds how long a replica that missed the news of a change goes on with the old settings. */
const cacheMs = 30_000
const wholeAccount = '0'
/** All of them are read for one event of their account. */
const maxChannels = 200
const byItself: SettingsChange = { actor: 'gateway', keepsSlug: false }

type Preferences = Omit<SettingsInput, 'accountSlug' | 'isWhatsappEnabled' | 'whatsappSenderConnectionId' | 'templates'>

interface Layer {
  readonly accountSlug?: string
  readonly connectionId?: number
  readonly isWhatsappEnabled?: boolean
  readonly templates: Record<string, AccountTemplate>
  readonly preferences: Preferences
}

export function createSettingsStore({ database, now, onChange, nowMs }: SettingsDeps): SettingsStore {
  const read = (accountId: number) => loadLayers(database, accountId)
  const cache = createReadCache({ max: 20_000, maxAgeMs: cacheMs, read, nowMs })
  const get = async (accountId: number, channelId?: string) => {
    const layers = (await cache.fetch(accountId)) ?? new Map<string, Layer>()
    return resolve(accountId, layers.get(wholeAccount), channelId ? layers.get(channelId) : undefined)
  }
  return {
    get,
    async put(accountId, channelId, input, change = byItself) {
      const place = { accountId, channelId: channelId ?? wholeAccount }
      await database.transaction((tx) => write(tx, database, place, input, change, now()))
      cache.delete(accountId)
      onChange?.(accountId)
      return get(accountId, channelId)
    },
    drop: (accountId) => void cache.delete(accountId),
  }
}

function resolve(accountId: number, account: Layer | undefined, channel: Layer | undefined): AccountSettings {
  const preferences = { ...account?.preferences, ...channel?.preferences }
  return {
    accountId,
    accountSlug: channel?.accountSlug ?? account?.accountSlug,
    isWhatsappEnabled: channel?.isWhatsappEnabled ?? account?.isWhatsappEnabled ?? false,
    connectionId: channel?.connectionId ?? account?.connectionId,
    defaultCountry: preferences.defaultCountry ?? 'IN',
    timezone: preferences.timezone ?? 'Asia/Kolkata',
    languages: preferences.languages ?? ['en'],
    templates: { ...account?.templates, ...channel?.templates },
    support: preferences.support ?? {},
    quietHours: preferences.quietHours ?? undefined,
    inDoubtPolicy: preferences.inDoubtPolicy ?? 'resend_once',
    fallbackOnFailed: preferences.fallbackOnFailed ?? false,
    portalUrl: preferences.portalUrl,
    flows: bothFlows(account?.preferences.flows, channel?.preferences.flows),
  }
}

const bothFlows = (account: FlowsOverride | undefined, channel: FlowsOverride | undefined) =>
  account && channel ? joinOverrides(account, channel) : (channel ?? account)

interface SettingsRow {
  channel_id: number
  account_slug: string | null
  whatsappSenderConnectionId: number | null
  preferences: string | null
}

interface NotificationRow {
  channel_id: number
  reason: string
  isWhatsappEnabled: number
  template_id: number | null
  template_name: string | null
  language: string | null
}

/** @param channelId the only one to read; absent = the account and all of its channels */
async function loadLayers(database: Executor, accountId: number, channelId?: string): Promise<Map<string, Layer>> {
  const condition = channelId === undefined ? '' : ' AND channel_id = $2'
  const bind = channelId === undefined ? [accountId] : [accountId, channelId]
  const [settings, notifications] = await Promise.all([
    database.select<SettingsRow>(
      `SELECT channel_id, account_slug, whatsappSenderConnectionId, preferences
       FROM poe_channel_settings WHERE account_id = $1${condition}`,
      bind,
    ),
    database.select<NotificationRow>(
      `SELECT n.channel_id, n.reason, n.isWhatsappEnabled, t.id AS template_id, t.template_name, t.language
       FROM poe_channel_notifications n LEFT JOIN wa_templates t ON t.id = n.whatsappTemplateId
       WHERE n.account_id = $1${condition}`,
      bind,
    ),
  ])
  const ofChannels = groupBy(notifications, ({ channel_id }) => String(channel_id))
  return new Map(
    settings.map((row) => {
      const channel = String(row.channel_id)
      return [channel, layerOf(row, ofChannels.get(channel) ?? [])]
    }),
  )
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

function layerOf(row: SettingsRow, notifications: readonly NotificationRow[]): Layer {
  const flag = notifications.find((entry) => entry.reason === '')
  let preferences: Preferences | undefined
  return {
    ...(row.account_slug ? { accountSlug: row.account_slug } : {}),
    ...(row.whatsappSenderConnectionId ? { connectionId: Number(row.whatsappSenderConnectionId) } : {}),
    ...(flag ? { isWhatsappEnabled: flag.isWhatsappEnabled === 1 } : {}),
    templates: Object.fromEntries(
      notifications.flatMap(({ reason, template_id, template_name, language }) =>
        template_id && template_name && language ? [[reason, { id: template_id, name: template_name, language }]] : [],
      ),
    ),
    // An event is of one channel: what the others prefer is not parsed for it.
    get preferences() {
      preferences ??= row.preferences ? (JSON.parse(row.preferences) as Preferences) : {}
      return preferences
    },
  }
}

/** An account, or one of its channels. */
interface Place {
  readonly accountId: number
  readonly channelId: string
}

async function write(
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

function isTimezone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch {
    return false
  }
}
