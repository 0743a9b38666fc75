/** What is wrong with a connection, and what to do about it. */

import { type ConnectionStore, forProvider } from '../../core/accounts/connections.ts'
import { failureKind } from '../../core/contract/failures.ts'
import type { ProviderAdapter } from '../../core/contract/provider.ts'
import type { Doctor } from '../../core/doctor/doctor.ts'
import { HttpProblem } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { findConnection } from './named-connection.ts'

export interface DoctorHandlerDeps {
  readonly connections: Pick<ConnectionStore, 'get'>
  readonly doctor: Doctor
  readonly adapter: (provider: string) => ProviderAdapter
  readonly now: () => Date
}

export function createDoctorHandlers({ connections, doctor, adapter, now }: DoctorHandlerDeps) {
  return {
    async examine({ params }: RequestFacts): Promise<Reply> {
      const connection = await findConnection(connections, params.id)
      const checks = await doctor.examine(connection)
      const body = {
        connectionId: String(connection.id),
        ok: checks.every(({ ok }) => ok),
        checkedAt: now().toISOString(),
        checks,
      }
      return { status: 200, body }
    },

    /** Asks the provider to send webhooks about the connection's account. */
    async subscribe({ params }: RequestFacts): Promise<Reply> {
      const connection = await findConnection(connections, params.id)
      const { subscribe } = adapter(connection.provider)
      if (!subscribe) throw new HttpProblem(409, 'this provider needs no subscription')
      const failure = await subscribe(forProvider(connection))
      if (failure) {
        const said = failure.detail ? ` The provider says: ${failure.detail}` : ''
        throw new HttpProblem(422, `${failureKind(failure.code).text}${said}`)
      }
      return { status: 200, body: { subscribed: true } }
    },
  }
}
