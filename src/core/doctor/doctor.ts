/** What is right and wrong with a connection: what its provider says, and what our own rows show. */

import { isDeepStrictEqual } from 'node:util'
import { type Connection, type ConnectionStore, forProvider, webhookUrlOf } from '../accounts/connections.ts'
import type { Capabilities, ConnectionCheck, ProviderAdapter } from '../contract/provider.ts'
import type { Database } from '../storage/database.ts'
import { stateFinding } from './connection-state.ts'
import { recentSends } from './recent-sends.ts'
import { sendFindings } from './send-findings.ts'
import { type TemplateFindingDeps, templateFindings } from './template-findings.ts'
import { webhookFindings } from './webhook-findings.ts'
import type { WebhookNotes } from './webhook-notes.ts'

export interface Doctor {
  /**
   * Asks the provider and looks into our rows; never rejects because the provider does not answer. Whoever asks while
   * the connection is examined as it is shares the answer.
   */
  examine(connection: Connection): Promise<ConnectionCheck[]>
}

export interface DoctorDeps {
  readonly database: Database
  readonly adapter: (provider: string) => Pick<ProviderAdapter, 'check'>
  readonly capabilities: (connection: Pick<Connection, 'provider'>) => Capabilities | undefined
  readonly notes: Pick<WebhookNotes, 'get'>
  readonly connections: Pick<ConnectionStore, 'proveNumber'>
  readonly publicUrl: () => string
  readonly templates: TemplateFindingDeps
  readonly now: () => Date
}

interface Examination {
  readonly connection: Connection
  readonly checks: Promise<ConnectionCheck[]>
}

export function createDoctor(deps: DoctorDeps): Doctor {
  /** One at a time: each takes several calls of the provider, which may hang for long. */
  const running = new Map<number, Examination>()
  return {
    examine(connection) {
      const { id } = connection
      const shared = running.get(id)
      if (shared && isDeepStrictEqual(shared.connection, connection)) return shared.checks
      const checks = examineNow(deps, connection).finally(() => {
        if (running.get(id)?.checks === checks) running.delete(id)
      })
      running.set(id, { connection, checks })
      return checks
    },
  }
}

async function examineNow(deps: DoctorDeps, connection: Connection): Promise<ConnectionCheck[]> {
  const [provider, own, templates] = await Promise.all([
    askProvider(deps, connection),
    lookInside(deps, connection),
    templateFindings(deps.templates, connection),
  ])
  return [stateFinding(connection), ...provider, ...own, ...templates]
}

async function askProvider(
  { adapter, connections, publicUrl }: DoctorDeps,
  connection: Connection,
): Promise<ConnectionCheck[]> {
  const webhookUrl = webhookUrlOf(connection, publicUrl())
  const checks = await adapter(connection.provider).check({ ...forProvider(connection), webhookUrl })
  // Whoever examines it next tells it again.
  if (connection.senderId !== undefined && checks.some(({ provesNumber }) => provesNumber))
    await connections.proveNumber(connection, connection.senderId).catch(() => {})
  return checks
}

async function lookInside(deps: DoctorDeps, connection: Connection): Promise<ConnectionCheck[]> {
  const { database, notes, capabilities, now } = deps
  const [times, sends] = await Promise.all([notes.get(connection.id), recentSends(database, connection.id, now())])
  const isSigned = capabilities(connection)?.webhookProof === 'signature'
  return [...webhookFindings({ times, isSigned }), ...sendFindings(sends)]
}
