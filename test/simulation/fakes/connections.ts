/** Two sender connections, as all processes see them. */

import type { Connection } from '../../../src/core/accounts/connections.ts'
import { aConnection } from '../../support/records.ts'
import type { Weather } from '../weather.ts'
import { senderOf } from './reports.ts'

export interface Connections {
  get(id: number): Promise<Connection | undefined>
  noteEcho(id: number, sentAt: Date): void
  /** As the gateway does when its token is refused; true for the one call that changed it. */
  pause(id: number): Promise<boolean>
  /** The provider takes its token no more. */
  revoke(id: number): void
  /** Somebody stores a token that the provider takes. */
  mend(id: number): void
  noteKeptReference(): Promise<void>
  isTaken(credentials: Connection['credentials']): boolean
  readonly ids: readonly number[]
  all(): readonly Connection[]
}

export function createConnections(weather: Weather): Connections {
  const byId = new Map<number, Connection>([1, 2].map((id) => [id, connection(id, weather)]))
  const refused = new Set<string>()
  const change = (id: number, changes: Partial<Connection>) => {
    const known = byId.get(id)
    if (known) byId.set(id, { ...known, ...changes })
  }
  return {
    pause: async (id) => {
      const isActive = byId.get(id)?.state === 'active'
      change(id, { state: 'paused' })
      return isActive
    },
    revoke: (id) => void refused.add(tokenOf(id, 1)),
    mend: (id) => change(id, { state: 'active', credentials: { token: tokenOf(id, 2) } }),
    isTaken: ({ token = '' }) => !refused.has(token),
    noteKeptReference: async () => {},
    get: async (id) => byId.get(id),
    noteEcho(id, sentAt) {
      const known = byId.get(id)
      if (known && (!known.echoedUntil || known.echoedUntil < sentAt)) byId.set(id, { ...known, echoedUntil: sentAt })
    },
    ids: [...byId.keys()],
    all: () => [...byId.values()],
  }
}

const tokenOf = (id: number, version: number): string => `token-${id}.${version}`

const connection = (id: number, { hasFallback, concurrency, messagesPerSecond }: Weather): Connection =>
  aConnection(id, {
    accountId: 1,
    provider: 'fake',
    senderId: senderOf(id),
    credentials: { token: tokenOf(id, 1) },
    limits: { messagesPerSecond, concurrency },
    fallbackConnectionId: hasFallback && id === 1 ? 2 : undefined,
  })
