/** Connections of the integration engine as connections of ours: entered, changed, paused when they are gone there. */

import { isDeepStrictEqual } from 'node:util'
import { TooManyConnectionsError } from '../accounts/change-connection.ts'
import type { Connection, ConnectionChanges, ConnectionStore } from '../accounts/connections.ts'
import { SenderTakenError } from '../accounts/number-proof.ts'
import type { ProviderDefinition } from '../contract/provider.ts'
import type { Logger } from '../observe/logger.ts'
import { isUniqueViolation } from '../storage/database-errors.ts'
import { type EngineClient, EngineError } from './engine-client.ts'
import { type EngineDraft, type EntryProblem, engineIdOf, isMirrored, managedByOf, readEntry } from './engine-entry.ts'
import type { EngineTurns } from './engine-turns.ts'

export interface MirrorDeps {
  readonly engine: EngineClient
  readonly turns: EngineTurns
  readonly connections: Pick<ConnectionStore, 'list' | 'create' | 'patch' | 'pause'>
  readonly providerById: (id: string) => ProviderDefinition | undefined
  /** A connection may send again. */
  readonly mended: (connectionId: number) => Promise<void>
  readonly log: Logger
}

/** As the audit names it. */
const actor = 'engine'
const goneReason = 'it is not at the integration engine any more'

/** Reads the engine when it is this replica's turn, and does here what changed there. */
export async function mirrorConnections(deps: MirrorDeps): Promise<number> {
  if (!(await deps.turns.take())) return 0
  try {
    const entries = await deps.engine.read()
    await deps.turns.succeeded(await apply(deps, entries))
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    deps.log.warn({ problem: error.message }, 'the integration engine could not be read')
    await deps.turns.failed(error.message)
  }
  return 0
}

async function apply(deps: MirrorDeps, entries: readonly unknown[]): Promise<EntryProblem[]> {
  const mirrors = new Map(
    (await deps.connections.list()).filter(isMirrored).map((connection) => [connection.managedBy ?? '', connection]),
  )
  // More likely a fault there than that every client left at once, and nobody could send any more.
  if (entries.length === 0 && mirrors.size > 0)
    throw new EngineError('tells of no connection at all; nothing was changed')
  const problems: EntryProblem[] = []
  const seen = new Set<string>()
  for (const raw of entries) {
    const entry = readEntry(raw, deps.providerById)
    const managedBy = 'draft' in entry ? entry.draft.managedBy : managedByOf(entry.id ?? '')
    const isRepeated = seen.has(managedBy)
    // Also one that cannot be read is there: what was mirrored of it stays.
    seen.add(managedBy)
    if (!('draft' in entry)) problems.push(entry)
    else {
      const problem = isRepeated ? 'its id came twice' : await enter(deps, mirrors.get(managedBy), entry.draft)
      if (problem) problems.push({ id: engineIdOf(managedBy), problem })
    }
  }
  for (const [managedBy, { id, state }] of mirrors)
    if (!seen.has(managedBy) && state === 'active') await deps.connections.pause(id, goneReason)
  return problems
}

/** @returns what an operator should know; undefined = it is here as it is there */
async function enter(
  deps: MirrorDeps,
  existing: Connection | undefined,
  draft: EngineDraft,
): Promise<string | undefined> {
  try {
    if (!existing) await deps.connections.create(draft, actor)
    else if (existing.accountId !== draft.accountId || existing.provider !== draft.provider)
      return 'it was of another account or provider before; give it a new id'
    else await update(deps, existing, draft)
    return undefined
  } catch (error) {
    if (error instanceof SenderTakenError || error instanceof TooManyConnectionsError) return error.message
    if (isUniqueViolation(error)) return 'it was entered by another replica just now'
    throw error
  }
}

async function update({ connections, mended }: MirrorDeps, existing: Connection, draft: EngineDraft): Promise<void> {
  const changes = changesOf(existing, draft)
  if (Object.keys(changes).length === 0) return
  await connections.patch(existing.id, changes, actor)
  await mended(existing.id)
}

function changesOf(existing: Connection, draft: EngineDraft): ConnectionChanges {
  const { name, businessPhone, credentials, templates, limits } = draft
  const told = { name, businessPhone, credentials, templates, limits }
  const known = { ...existing, limits: existing.ownLimits }
  const changed = Object.entries(told).filter(([key, value]) => !isSame(value, known[key as keyof typeof told]))
  const changes = Object.fromEntries(changed) as ConnectionChanges
  // What is not told there any more is taken away.
  const absent = Object.fromEntries(Object.keys(existing.credentials).map((name) => [name, null]))
  const whole = changes.credentials ? { credentials: { ...absent, ...changes.credentials } } : {}
  return { ...changes, ...whole, ...stateFor(existing, changed.length > 0) }
}

const isSame = (one: unknown, other: unknown): boolean =>
  one === undefined ? other === undefined : isDeepStrictEqual(JSON.parse(JSON.stringify(one)), other)

/** Back from where it was gone: it may send again. Whom an operator paused stays so, whatever changes there. */
function stateFor({ state, stateReason }: Connection, isChanged: boolean): Pick<ConnectionChanges, 'state'> {
  if (state !== 'paused') return {}
  if (stateReason === goneReason) return { state: 'active' }
  return isChanged && stateReason === 'by hand' ? { state: 'paused' } : {}
}
