/** The mirror of the integration engine's connections, put together. */

import type { CoreOptions } from '../core.ts'
import { createEngineClient } from '../engine/engine-client.ts'
import { createEngineTurns } from '../engine/engine-turns.ts'
import { mirrorConnections } from '../engine/mirror-connections.ts'
import type { Foundation } from './foundation.ts'
import type { Sending } from './sending.ts'

/** @returns undefined where the installation has no engine */
export function createMirror(options: CoreOptions, foundation: Foundation, sending: Sending) {
  const { database, http, integrationEngine, log, now } = options
  if (!integrationEngine) return undefined
  const turns = createEngineTurns(database, now)
  const mirroring = {
    engine: createEngineClient({ http, baseUrl: integrationEngine.url, key: integrationEngine.key }),
    turns,
    connections: foundation.connections,
    providerById: foundation.providerById,
    mended: sending.connectionMended,
    log,
  }
  return { turns, sweeps: { integrationEngine: () => mirrorConnections(mirroring) } }
}
