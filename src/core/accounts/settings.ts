/** What an account chose, per account and per channel; read on every event, so cached. */

import { isDeepStrictEqual } from 'node:util'
import type { FlowsOverride } from '../conversations/flows.ts'
import { joinOverrides } from '../conversations/flows-override.ts'
import type { Database } from '../storage/database.ts'
import { createReadCache } from './read-cache.ts'
import { type AccountTemplate, type Layer, loadLayers, wholeAccount } from './settings-layers.ts'
import type { SettingsInput } from './settings-schema.ts'
import { type SettingsChange, writeSettings } from './write-settings.ts'

/** Settings as they hold for one account and channel, defaults filled in. */
export interface AccountSettings {
  readonly accountId: number
  readonly accountSlug: string | undefined
  readonly isWhatsappEnabled: boolean
  readonly connectionId: number | undefined
  readonly defaultCountry: string
  readonly timezone: string
  /** The same where somebody set it; undefined where it is only the default. */
  readonly chosenTimezone: string | undefined
  readonly languages: readonly string[]
  /** Reason -> the account's own template; a reason that is absent uses the built-in one. */
  readonly templates: Readonly<Record<string, AccountTemplate>>
  readonly support: { readonly phone?: string | undefined; readonly email?: string | undefined }
  readonly quietHours: { readonly from: string; readonly to: string } | undefined
  /** Of the account, for all of its channels together. */
  readonly guards: SettingsInput['guards']
  readonly inDoubtPolicy: 'resend_once' | 'never'
  readonly fallbackOnFailed: boolean
  readonly portalUrl: string | undefined
  /** What it wants otherwise than the installation's flows. */
  readonly flows: FlowsOverride | undefined
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
  /** Told as well when its messages may leave at other hours than before. */
  readonly onQuietChange?: (accountId: number) => void
  /** A clock that never goes back. Default: the process's own. */
  readonly nowMs?: () => number
}

/** Bounds how long a replica that missed the news of a change goes on with the old settings. */
const cacheMs = 30_000
const byItself: SettingsChange = { actor: 'gateway', keepsSlug: false }

export function createSettingsStore({ database, now, onChange, onQuietChange, nowMs }: SettingsDeps): SettingsStore {
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
      const before = await get(accountId, channelId)
      await database.transaction((tx) => writeSettings(tx, database, place, input, change, now()))
      cache.delete(accountId)
      onChange?.(accountId)
      const after = await get(accountId, channelId)
      if (!isDeepStrictEqual(quietOf(before), quietOf(after))) onQuietChange?.(accountId)
      return after
    },
    drop: (accountId) => void cache.delete(accountId),
  }
}

const quietOf = ({ quietHours, chosenTimezone }: AccountSettings) => ({ quietHours, chosenTimezone })

function resolve(accountId: number, account: Layer | undefined, channel: Layer | undefined): AccountSettings {
  const preferences = { ...account?.preferences, ...channel?.preferences }
  return {
    accountId,
    accountSlug: channel?.accountSlug ?? account?.accountSlug,
    isWhatsappEnabled: channel?.isWhatsappEnabled ?? account?.isWhatsappEnabled ?? false,
    connectionId: channel?.connectionId ?? account?.connectionId,
    defaultCountry: preferences.defaultCountry ?? 'IN',
    timezone: preferences.timezone ?? 'Asia/Kolkata',
    chosenTimezone: preferences.timezone,
    languages: preferences.languages ?? ['en'],
    templates: { ...account?.templates, ...channel?.templates },
    support: preferences.support ?? {},
    quietHours: preferences.quietHours ?? undefined,
    guards: account?.preferences.guards,
    inDoubtPolicy: preferences.inDoubtPolicy ?? 'resend_once',
    fallbackOnFailed: preferences.fallbackOnFailed ?? false,
    portalUrl: preferences.portalUrl,
    flows: bothFlows(account?.preferences.flows, channel?.preferences.flows),
  }
}

const bothFlows = (account: FlowsOverride | undefined, channel: FlowsOverride | undefined) =>
  account && channel ? joinOverrides(account, channel) : (channel ?? account)
