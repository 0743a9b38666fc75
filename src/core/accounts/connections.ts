/** Sender connections: whose account a message leaves from. Credentials are sealed in the table, open only here. */

import { isDeepStrictEqual } from 'node:util'
import type { DialogueResults, ProviderConnection, ProviderDefinition, TemplateMappings } from '../contract/provider.ts'
import type { Database } from '../storage/database.ts'
import { sqlTime } from '../storage/time.ts'
import {
  type CredentialChanges,
  insertConnection,
  type MergeCredentials,
  mergeCredentials,
  type RowChanges,
  updateConnection,
  type Written,
} from './change-connection.ts'
import { type ConnectionPage, type ConnectionRef, createConnectionReader } from './connection-reader.ts'
import { senderIdOf } from './connection-rows.ts'
import type { Limits, SenderQuality } from './limits.ts'
import { createPutManaged } from './managed-connection.ts'
import { proveNumber } from './number-proof.ts'
import type { SecretBox } from './secret-box.ts'

/** The account whose connection everybody uses who has none of its own. */
export const platformAccountId = 5

export interface Connection {
  readonly id: number
  readonly accountId: number
  readonly provider: string
  readonly name: string
  readonly senderId: string | undefined
  /** The vendor's id of the business account, to which its news is addressed. */
  readonly vendorAccountId: string | undefined
  readonly businessPhone: string
  readonly webhookKey: string
  readonly verifyToken: string
  readonly credentials: Readonly<Record<string, string>>
  /** What stands for each template there, where the provider finds none by name. */
  readonly templates: TemplateMappings
  /** What the results of a dialogue there mean. */
  readonly dialogueResults: DialogueResults
  /** A reference that the provider gave back with its answer, and when: it keeps them, as far as is known. */
  readonly keptReference: { readonly reference: string; readonly at: Date } | undefined
  /** As they hold: what an operator set, within what the provider allows, slower while the quality is bad. */
  readonly limits: Limits
  /** What an operator set. */
  readonly ownLimits: Partial<Limits> | undefined
  readonly quality: SenderQuality | undefined
  readonly fallbackConnectionId: number | undefined
  readonly state: 'active' | 'paused' | 'deleted'
  /** Why it is paused: a failure code, or an operator's words. */
  readonly stateReason: string | undefined
  /** Sends begun before this time have been echoed by webhooks: they arrive. */
  readonly echoedUntil: Date | undefined
  /** `environment`, or `engine/` and its id at the integration engine: what it says counts. */
  readonly managedBy: string | undefined
  /** When the provider showed the number with these credentials: it is held by this connection, and by no other. */
  readonly numberProvedAt: Date | undefined
  /** Another connection proved the number. What comes by this one's webhook is not the provider's word. */
  readonly isSetAside: boolean
}

export interface ConnectionDraft {
  readonly accountId: number
  readonly provider: string
  readonly name: string
  readonly businessPhone: string
  readonly credentials: Readonly<Record<string, string>>
  readonly templates?: TemplateMappings | undefined
  readonly dialogueResults?: DialogueResults | undefined
  readonly limits?: { readonly [Name in keyof Limits]?: Limits[Name] | undefined } | undefined
  readonly fallbackConnectionId?: number | undefined
  readonly verifyToken?: string | undefined
  readonly managedBy?: string | undefined
  /** The sender that the provider has shown with these credentials. */
  readonly provedSenderId?: string | undefined
}

export type ConnectionChanges = Partial<
  Pick<
    ConnectionDraft,
    'name' | 'businessPhone' | 'templates' | 'dialogueResults' | 'limits' | 'fallbackConnectionId' | 'provedSenderId'
  > & { readonly credentials: CredentialChanges; readonly state: 'active' | 'paused' }
>

export interface ConnectionStore {
  get(id: number): Promise<Connection | undefined>
  byWebhookKey(key: string): Promise<Connection | undefined>
  /** Connections of the platform's own account, the one to use by default first. */
  platform(): Promise<readonly Connection[]>
  list(accountId?: number): Promise<readonly Connection[]>
  /** A page of them, as they are now, oldest first. */
  page(filter: ConnectionPage): Promise<readonly Connection[]>
  /**
   * @param actor who does it, as the audit names them
   * @throws {SenderTakenError} when another connection holds the same business phone number at the provider
   * @throws {TooManyConnectionsError}
   */
  create(draft: ConnectionDraft, actor?: string): Promise<Connection>
  /**
   * Stops sending through it. True for the one call that changed it, false when it was paused before.
   * @param seenAt when the fault showed: one from before the connection's last change says nothing about it now
   */
  pause(id: number, reason: string, seenAt?: Date): Promise<boolean>
  /** Notes that the provider has shown this number with the connection's own credentials. */
  proveNumber(connection: Pick<Connection, 'id' | 'numberProvedAt'>, senderId: string): Promise<void>
  /** Notes that a send begun at this time was echoed. */
  noteEcho(id: number, sentAt: Date): Promise<void>
  /** Notes a reference that the provider gave back; undefined = it gave back another one. */
  noteKeptReference(connection: ConnectionRef, reference: string | undefined): Promise<void>
  /**
   * Changes what is given; new credentials end a pause. Undefined when there is no such connection.
   * @param accept throws where the credentials, as they would be then, cannot be used: nothing is changed
   * @throws {SenderTakenError}
   */
  patch(
    id: number,
    changes: ConnectionChanges,
    actor?: string,
    accept?: (credentials: Connection['credentials']) => void,
  ): Promise<Connection | undefined>
  /** Deletes it: its messages keep their history, its secrets are gone. False when there is no such connection. */
  remove(id: number, actor?: string): Promise<boolean>
  /**
   * Creates or updates the one connection that the installation's environment describes. Its number counts as proved.
   * @throws {SenderTakenError} when another connection holds it
   */
  putManaged(draft: ConnectionDraft & { readonly managedBy: string }): Promise<Connection>
  /** Forgets what is cached: of one connection, or of all. */
  drop(changed?: ConnectionRef): void
  /** Rows of these were changed and committed elsewhere: forgets what is cached of them, here and in other replicas. */
  announce(ids: readonly number[]): Promise<void>
}

export interface ConnectionsDeps {
  readonly database: Database
  readonly secrets: SecretBox
  readonly providerById: (id: string) => ProviderDefinition | undefined
  readonly now: () => Date
  /** Told after a change has been committed; undefined = it is not known which connection was changed. */
  readonly onChange?: (changed: ConnectionRef | undefined) => void
  /** Another connection proved the number of this one, which must not send any more. */
  readonly onSetAside?: (id: number) => void
  /** Other credentials were stored: what was found out with the old ones says nothing any more. */
  readonly onCredentials?: (id: number) => Promise<void>
  /** A clock that never goes back. Default: the process's own. */
  readonly nowMs?: () => number
}

/** What an adapter gets to see of a connection. */
export const forProvider = (connection: Connection): ProviderConnection => ({
  id: String(connection.id),
  credentials: connection.credentials,
  // Random, the connection's own, and never given to a provider that signs nothing.
  signingSecret: connection.verifyToken,
  templates: connection.templates,
  dialogueResults: connection.dialogueResults,
})

/** Where the provider reports to, as it reaches us. */
export const webhookUrlOf = ({ provider, webhookKey }: Connection, publicUrl: string): string =>
  `${publicUrl}/webhooks/${provider}/${webhookKey}`

/** Who acts where nobody asked for it. */
const itself = 'gateway'
/** 24 bytes as base64url. */
const webhookKeyPattern = /^[\w-]{32}$/
const setState = 'UPDATE wa_connections SET state = $2, state_reason = $3, blocked_until = NULL'

export function createConnectionStore(deps: ConnectionsDeps): ConnectionStore {
  const { database, now, onChange } = deps
  const { byId: get, byWebhookKey, list, page, find, drop } = createConnectionReader(deps)
  const changed = (...those: readonly ConnectionRef[]) => {
    for (const { id, accountId } of those) {
      drop({ id, accountId })
      onChange?.({ id, accountId })
    }
  }
  const tell = ({ setAside, ...written }: Written) => {
    changed(written, ...setAside)
    for (const { id } of setAside) deps.onSetAside?.(id)
  }

  const create = async (draft: ConnectionDraft, actor: string) => {
    const written = await insertConnection(deps, draft, actor)
    tell(written)
    const created = await get(written.id)
    if (!created) throw new Error('the connection that was just created is not there')
    return created
  }

  const update = async (id: number, changes: RowChanges, actor: string, merge?: MergeCredentials) => {
    const before = await get(id)
    const written = await updateConnection(deps, id, changes, actor, merge)
    if (written) tell(written)
    const after = written ? await get(id) : undefined
    if (!isDeepStrictEqual(before?.credentials, after?.credentials)) await deps.onCredentials?.(id)
    return after
  }

  return {
    get,
    // Anybody may ask with any key: what cannot be one is neither looked up nor remembered.
    byWebhookKey: async (key) => (webhookKeyPattern.test(key) ? byWebhookKey(key) : undefined),
    list,
    page,
    platform: () => list(platformAccountId),
    create: (draft, actor = itself) => create(draft, actor),
    putManaged: createPutManaged({ find, create, update, senderIdOf: (draft) => senderIdOf(draft, deps) }),
    async patch(id, { credentials: given, ...changes }, actor = itself, accept = () => {}) {
      const existing = await get(id)
      if (!existing || existing.state === 'deleted') return undefined
      if (!given) return update(id, changes, actor)
      // Into what stands there by then: somebody else may have changed another field meanwhile.
      const merge: MergeCredentials = (before) => {
        const credentials = mergeCredentials(before, given)
        accept(credentials)
        return credentials
      }
      return update(id, changes, actor, merge)
    },
    async remove(id, actor = itself) {
      const removed = await updateConnection(deps, id, { state: 'deleted', credentials: {} }, actor)
      if (removed) changed(removed)
      return removed !== undefined
    },
    async pause(id, reason, seenAt = now()) {
      const known = await get(id)
      const changedRows = await database.write(`${setState} WHERE id = $1 AND state = 'active' AND updated_at <= $4`, [
        id,
        'paused',
        reason,
        sqlTime(seenAt),
      ])
      if (known && changedRows > 0) changed(known)
      return changedRows > 0
    },
    async proveNumber({ id, numberProvedAt }, senderId) {
      if (numberProvedAt) return
      const [proved, ...setAside] = await proveNumber(deps, id, senderId)
      if (proved) tell({ ...proved, setAside })
    },
    async noteEcho(id, sentAt) {
      await database.write(
        'UPDATE wa_connections SET echoed_until = $2 WHERE id = $1 AND (echoed_until IS NULL OR echoed_until < $2)',
        [id, sqlTime(sentAt)],
      )
    },
    async noteKeptReference(connection, reference) {
      const at = reference === undefined ? null : sqlTime(now())
      const set = 'UPDATE wa_connections SET kept_reference = $2, kept_at = $3 WHERE id = $1'
      await database.write(set, [connection.id, reference ?? null, at])
      drop(connection)
    },
    drop,
    async announce(ids) {
      for (const id of ids) {
        const known = await get(id).catch(() => undefined)
        if (known) changed(known)
        else {
          drop()
          onChange?.(undefined)
        }
      }
    },
  }
}
