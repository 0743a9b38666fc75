/** Settings as they are stored: one layer for an account, and one for each of its channels that says otherwise. */

import type { Executor } from '../storage/database.ts'
import type { SettingsInput } from './settings-schema.ts'

export interface AccountTemplate {
  readonly id: number
  readonly name: string
  readonly language: string
}

/** The channel id under which an account's own settings stand. */
export const wholeAccount = '0'

type Preferences = Omit<SettingsInput, 'accountSlug' | 'isWhatsappEnabled' | 'whatsappSenderConnectionId' | 'templates'>

export interface Layer {
  readonly accountSlug?: string
  readonly connectionId?: number
  readonly isWhatsappEnabled?: boolean
  readonly templates: Record<string, AccountTemplate>
  readonly preferences: Preferences
}

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
export async function loadLayers(
  database: Executor,
  accountId: number,
  channelId?: string,
): Promise<Map<string, Layer>> {
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
