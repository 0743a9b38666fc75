/** What the news that a connection was changed elsewhere does here. */

import type { ConnectionRef } from '../accounts/connection-reader.ts'
import type { ConnectionStore } from '../accounts/connections.ts'
import type { Lanes } from './lanes.ts'

/** Forgets what is cached of that connection, or of all, and lets their lanes look at them anew. */
export const createHearConnections =
  (connections: Pick<ConnectionStore, 'drop'>, lanes: Pick<Lanes, 'snapshot' | 'wake'>) =>
  async (only: ConnectionRef | undefined): Promise<void> => {
    connections.drop(only)
    for (const { connectionId } of lanes.snapshot())
      if (!only || only.id === connectionId) await lanes.wake(connectionId)
  }
