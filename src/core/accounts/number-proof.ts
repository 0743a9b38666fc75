/**
 * Whose a business phone number is. Anybody can write any number into a connection; only one for which the provider
 * showed the number with that connection's own credentials holds it, and the others with the number are set aside.
 */

import { writeAudit } from '../audit/audit-log.ts'
import type { ProviderDefinition } from '../contract/provider.ts'
import type { Database, Executor } from '../storage/database.ts'
import { updateWhereIn } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import type { ConnectionRef } from './connection-reader.ts'
import type { Connection, ConnectionStore } from './connections.ts'

/** Why a connection that was set aside is paused. It says nothing of who has the number. */
export const setAsideReason = 'another connection has proved that the number is its own'

export class SenderTakenError extends Error {
  override readonly name = 'SenderTakenError'
  /** Is the other connection another account's? Then it is not for this one's clients to know of. */
  readonly isForeign: boolean
  constructor(senderId: string, isForeign: boolean) {
    super(`another connection has the sender ${senderId} already; change that one`)
    this.isForeign = isForeign
  }
}

export interface NumberDeps {
  readonly database: Database
  readonly providerById: (id: string) => ProviderDefinition | undefined
  readonly now: () => Date
}

/** A connection that was just written. */
export interface Claimant {
  readonly id: number
  readonly accountId: number
  readonly provider: string
  readonly senderId: string | undefined
  readonly isNumberProved: boolean
}

interface Rival {
  readonly id: number
  readonly account_id: number
  readonly state: string
  readonly state_reason: string | null
  readonly number_proved_at: string | null
}

/**
 * Settles whose a number is, in the transaction that wrote one of those who name it. It looks after the writing, and
 * waits for what others have written and not committed: of two that are written at once, one sees the other.
 * @returns those that were set aside
 * @throws {SenderTakenError} when another one holds the number, or the same account has it in another one already
 */
export async function settleNumber(tx: Executor, deps: NumberDeps, claimant: Claimant): Promise<ConnectionRef[]> {
  const { provider, senderId, isNumberProved } = claimant
  if (senderId === undefined) return []
  const rivals = await rivalsOf(tx, deps, claimant, senderId)
  const isProvable = deps.providerById(provider)?.numberProof !== undefined
  const holder = rivals.find((rival) => rival.number_proved_at !== null || !isProvable)
  const own = isNumberProved ? undefined : rivals.find(({ account_id }) => account_id === claimant.accountId)
  const taken = holder ?? own
  if (taken) throw new SenderTakenError(senderId, taken.account_id !== claimant.accountId)
  if (isNumberProved) await setAside(tx, rivals, deps.now())
  return isNumberProved ? rivals.map(({ id, account_id }) => ({ id, accountId: account_id })) : []
}

const rivalsOf = (tx: Executor, { database }: NumberDeps, { id, provider }: Claimant, senderId: string) =>
  tx.select<Rival>(
    `SELECT id, account_id, state, state_reason, number_proved_at FROM wa_connections
     WHERE provider = $1 AND sender_id = $2 AND state <> 'deleted' AND id <> $3 ORDER BY id${database.forUpdate}`,
    [provider, senderId, id],
  )

async function setAside(tx: Executor, rivals: readonly Rival[], now: Date): Promise<void> {
  const after = { state: 'paused', stateReason: setAsideReason }
  const columns = { state: 'paused', state_reason: setAsideReason, blocked_until: null, updated_at: sqlTime(now) }
  const ids = rivals.map(({ id }) => id)
  await updateWhereIn(tx, 'wa_connections', columns, 'id', ids)
  for (const { id, account_id, state, state_reason } of rivals) {
    if (state_reason === setAsideReason) continue
    const subject = { subjectType: 'connection', subjectId: String(id), accountId: account_id }
    const detail = { before: { state, stateReason: state_reason }, after }
    await writeAudit(tx, { actor: 'gateway', action: 'connection.set_aside', ...subject, detail }, now)
  }
}

/**
 * Notes that the provider has shown this number with the connection's own credentials.
 * @returns it and those that were set aside; none when nothing changed: it was proved before, has another number by now,
 * or another one holds it
 */
export async function proveNumber(deps: NumberDeps, id: number, senderId: string): Promise<ConnectionRef[]> {
  const prove = async (tx: Executor) => {
    const [row] = await tx.select<{ account_id: number; provider: string }>(
      `SELECT account_id, provider FROM wa_connections
       WHERE id = $1 AND sender_id = $2 AND state <> 'deleted' AND number_proved_at IS NULL${deps.database.forUpdate}`,
      [id, senderId],
    )
    if (!row) return []
    const set = 'UPDATE wa_connections SET number_proved_at = $2 WHERE id = $1'
    await tx.write(set, [id, sqlTime(deps.now())])
    const { account_id: accountId, provider } = row
    const setAside = await settleNumber(tx, deps, { id, accountId, provider, senderId, isNumberProved: true })
    return [{ id, accountId }, ...setAside]
  }
  return deps.database.transaction(prove).catch((error: unknown) => {
    if (error instanceof SenderTakenError) return []
    throw error
  })
}

/** What a message that was taken says of its sender's number: where the call itself names it, that it is its own. */
export function createTaken(
  connections: Pick<ConnectionStore, 'proveNumber'>,
  providerById: NumberDeps['providerById'],
): (sender: Connection) => Promise<void> {
  /** Many are taken before the first of them is written down. */
  const noting = new Set<number>()
  return async (sender) => {
    const { id, provider, senderId, numberProvedAt } = sender
    if (numberProvedAt || senderId === undefined || noting.has(id)) return
    if (!providerById(provider)?.numberProof?.includes('send')) return
    noting.add(id)
    // The next one says so again.
    await connections.proveNumber(sender, senderId).catch(() => {})
    noting.delete(id)
  }
}
