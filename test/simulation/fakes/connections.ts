/** Two sender connections, as all processes see them. */

import type { Connection } from '../../../src/core/accounts/connections.ts'
import type { Weather } from '../weather.ts'
import { senderOf } from './reports.ts'

export interface Connections {
  get(id: number): Promise<Connection | undefined>
  noteEcho(id: number, sentAt: Date): void
  readonly ids: readonly number[]
  all(): readonly Connection[]
}

export function createConnections(weather: Weather): Connections {
  const byId = new Map<number, Connection>([1, 2].map((id) => [id, connection(id, weather)]))
  return {
    get: async (id) => byId.get(id),
    noteEcho(id, sentAt) {
      const known = byId.get(id)
      if (known && (!known.echoedUntil || known.echoedUntil < sentAt)) byId.set(id, { ...known, echoedUntil: sentAt })
    },
    ids: [...byId.keys()],
    all: () => [...byId.values()],
  }
}

const connection = (id: number, { hasFallback, concurrency, messagesPerSecond }: Weather): Connection => ({
  id,
  accountId: 1,
  provider: 'fake',
  name: `connection ${id}`,
  senderId: senderOf(id),
  businessPhone: `+91114000000${id}`,
  webhookKey: `key-${id}`,
  verifyToken: 'token',
  credentials: {},
  limits: { messagesPerSecond, concurrency },
  fallbackConnectionId: hasFallback && id === 1 ? 2 : undefined,
  state: 'active',
  stateReason: undefined,
  vendorAccountId: undefined,
  ownLimits: undefined,
  quality: undefined,
  echoedUntil: undefined,
  managedBy: undefined,
})
