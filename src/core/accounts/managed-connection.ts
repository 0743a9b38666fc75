/** The one connection that the installation's environment describes, entered at every start of every replica. */

import { isUniqueViolation } from '../storage/database-errors.ts'
import type { ConnectionReader } from './connection-reader.ts'
import type { Connection, ConnectionDraft, ConnectionStore } from './connections.ts'

interface ManagedDeps {
  readonly find: ConnectionReader['find']
  readonly create: (draft: ConnectionDraft, actor: string) => Promise<Connection>
  readonly update: (id: number, draft: ConnectionDraft, actor: string) => Promise<Connection | undefined>
  readonly senderIdOf: (draft: ConnectionDraft) => string | undefined
}

type ManagedDraft = Parameters<ConnectionStore['putManaged']>[0]

export const createPutManaged =
  (deps: ManagedDeps): ConnectionStore['putManaged'] =>
  async (given) => {
    const draft = { ...given, provedSenderId: deps.senderIdOf(given) }
    const existing = await findManaged(deps, draft)
    if (existing) return (await deps.update(existing.id, draft, draft.managedBy)) ?? existing
    try {
      return await deps.create(draft, draft.managedBy)
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      const created = await findManaged(deps, draft)
      if (!created) throw error
      return (await deps.update(created.id, draft, draft.managedBy)) ?? created
    }
  }

/** The one that is managed already; else the account's own of that number, which is taken over. */
async function findManaged({ find, senderIdOf }: ManagedDeps, draft: ManagedDraft): Promise<Connection | undefined> {
  const [managed] = await find("managed_by = $1 AND state <> 'deleted'", draft.managedBy)
  if (managed) return managed
  const ofNumber = "provider = $1 AND state <> 'deleted' AND sender_id = $2 AND account_id = $3"
  const [own] = await find(ofNumber, draft.provider, senderIdOf(draft) ?? '', draft.accountId)
  return own
}
