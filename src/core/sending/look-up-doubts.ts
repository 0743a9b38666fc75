/** Asks providers for messages in doubt, where they can be asked; outside of any transaction. */

import { type Connection, forProvider } from '../accounts/connections.ts'
import type { LookUp, ProviderAdapter } from '../contract/provider.ts'
import { attemptReference } from './outgoing-message.ts'
import type { OutgoingRecord } from './outgoing-rows.ts'

/** Undefined where the provider cannot be asked. */
export type LookUpMessage = (record: OutgoingRecord) => Promise<LookUp | undefined>

export interface LookUpDeps {
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly adapter: (provider: string) => ProviderAdapter
  readonly looksUp: (connection: Connection) => boolean
}

export const createLookUp =
  ({ connection, adapter, looksUp }: LookUpDeps): LookUpMessage =>
  async ({ connectionId, reference, attempts }) => {
    const owner = connectionId === null ? undefined : await connection(connectionId)
    if (!owner || !looksUp(owner)) return undefined
    const { lookUp } = adapter(owner.provider)
    if (!lookUp) return undefined
    if (owner.state !== 'active') return { result: 'not_known', why: 'the connection is paused' }
    return lookUp(attemptReference(reference, attempts), forProvider(owner)).catch((error: unknown) => ({
      result: 'not_known' as const,
      why: String(error),
    }))
  }

/** Calls at the same time; each one has a deadline of its own. */
const atOnce = 8

/** Message -> what its provider says; those whose provider cannot be asked are left out. */
export async function lookUpAll(
  { lookUp }: { readonly lookUp: LookUpMessage },
  records: readonly OutgoingRecord[],
): Promise<Map<number, LookUp>> {
  const found = new Map<number, LookUp>()
  for (let from = 0; from < records.length; from += atOnce) {
    const group = records.slice(from, from + atOnce)
    const answers = await Promise.all(group.map(lookUp))
    group.forEach(({ id }, index) => {
      const answer = answers[index]
      if (answer) found.set(id, answer)
    })
  }
  return found
}
