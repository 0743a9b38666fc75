/** What an account chose, for itself and for each of its channels. */

import type { Connection } from '../../core/accounts/connections.ts'
import type { AccountSettings, SettingsStore } from '../../core/accounts/settings.ts'
import type { SettingsInput } from '../../core/accounts/settings-schema.ts'
import { TooManyChannelsError } from '../../core/accounts/write-settings.ts'
import type { FlowsOverride } from '../../core/conversations/flows.ts'
import { type FlowProblem, joinOverrides } from '../../core/conversations/flows-override.ts'
import { actorOf } from '../caller.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { assertUsable, type UsableDeps } from './named-connection.ts'
import { assertTemplates, type VerifyTemplatesDeps } from './verify-templates.ts'

export interface SettingsHandlerDeps extends UsableDeps, VerifyTemplatesDeps {
  readonly settings: SettingsStore
  readonly reasonKeys: readonly string[]
  /** What is wrong with flows of an account's own. */
  readonly flowProblems: (override: FlowsOverride) => readonly FlowProblem[]
}

export const createSettingsHandlers = (deps: SettingsHandlerDeps) => ({
  async get({ params }: RequestFacts): Promise<Reply> {
    const settings = await deps.settings.get(accountIdOf(params), channelIdOf(params))
    return { status: 200, body: await shownSettings(deps, settings) }
  },

  async put({ params, body, query, caller }: RequestFacts<SettingsInput, { verify: boolean }>): Promise<Reply> {
    const accountId = accountIdOf(params)
    assertReasons(deps, body)
    assertGuards(channelIdOf(params), body)
    await assertFlows(deps, accountId, channelIdOf(params), body)
    const { whatsappSenderConnectionId: connectionId } = body
    if (connectionId) {
      const { connectionId: present } = await deps.settings.get(accountId, channelIdOf(params))
      await assertUsable(deps, { caller, accountId, present }, connectionId, 'whatsappSenderConnectionId')
    }
    if (query.verify && body.templates)
      await assertTemplates(deps, await senderFor(deps, accountId, channelIdOf(params), body), body)
    const change = { actor: actorOf(caller), keepsSlug: caller.kind === 'client' }
    const settings = await deps.settings.put(accountId, channelIdOf(params), body, change).catch((error: unknown) => {
      if (error instanceof TooManyChannelsError) throw new HttpProblem(409, error.message)
      throw error
    })
    return { status: 200, body: await shownSettings(deps, settings) }
  },
})

/** Through which connection messages will leave once these settings hold. */
async function senderFor(
  { settings, connections, platformConnection }: SettingsHandlerDeps,
  accountId: number,
  channelId: string | undefined,
  { whatsappSenderConnectionId: named }: SettingsInput,
): Promise<Connection | undefined> {
  const ofAccount = channelId === undefined ? undefined : (await settings.get(accountId)).connectionId
  const id = named ? Number(named) : ofAccount
  const connection = id === undefined ? await platformConnection() : await connections.get(id)
  return connection?.state === 'deleted' ? undefined : connection
}

function assertReasons({ reasonKeys }: SettingsHandlerDeps, { templates = {} }: SettingsInput): void {
  const unknown = Object.keys(templates).filter((reason) => !reasonKeys.includes(reason))
  if (unknown.length === 0) return
  const errors = unknown.map((reason) => ({ path: `templates.${reason}`, message: 'is no reason' }))
  throw new HttpProblem(400, 'the body is not valid', { errors })
}

/** They count what all channels of an account do together. */
function assertGuards(channelId: string | undefined, { guards }: SettingsInput): void {
  if (!guards || channelId === undefined) return
  const errors = [{ path: 'guards', message: 'stand in the settings of the account, for all of its channels' }]
  throw new HttpProblem(400, 'the body is not valid', { errors })
}

/** A channel's wishes are laid over its account's, and must fit them. */
async function assertFlows(
  { settings, flowProblems }: SettingsHandlerDeps,
  accountId: number,
  channelId: string | undefined,
  { flows }: SettingsInput,
): Promise<void> {
  if (!flows) return
  const ofAccount = channelId === undefined ? undefined : (await settings.get(accountId)).flows
  const problems = flowProblems(ofAccount ? joinOverrides(ofAccount, flows) : flows)
  if (problems.length === 0) return
  const errors = problems.map(({ path, message }) => ({ path: `flows.${path}`, message }))
  throw new HttpProblem(400, 'the body is not valid', { errors })
}

async function shownSettings(deps: SettingsHandlerDeps, settings: AccountSettings): Promise<object> {
  const { connectionId, templates, chosenTimezone: _, ...others } = settings
  const shown = Object.entries(templates).map(([reason, { name, language }]) => [reason, { name, language }])
  return {
    ...others,
    whatsappSenderConnectionId: connectionId === undefined ? null : String(connectionId),
    sender: await senderOf(deps, settings),
    templates: Object.fromEntries(shown),
  }
}

/** Who sends for the account. Of the platform's connection nobody else sees more than this. */
async function senderOf(
  { connections, platformConnection }: SettingsHandlerDeps,
  { accountId, connectionId }: AccountSettings,
): Promise<object | null> {
  const sender = connectionId === undefined ? await platformConnection() : await connections.get(connectionId)
  if (!sender || sender.state === 'deleted') return null
  return { name: sender.name, provider: sender.provider, isOwn: sender.accountId === accountId }
}

function accountIdOf(params: Readonly<Record<string, string>>): number {
  const id = Number(params.accountId)
  if (!Number.isSafeInteger(id) || id <= 0 || id > 2_147_483_647) throw notFound('account')
  return id
}

function channelIdOf({ channelId }: Readonly<Record<string, string>>): string | undefined {
  if (channelId === undefined) return undefined
  if (!/^[1-9]\d{0,17}$/.test(channelId)) throw notFound('channel')
  return channelId
}
