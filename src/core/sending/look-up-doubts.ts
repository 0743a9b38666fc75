/** Asks providers for messages in doubt, where they can be asked; outside of any transaction. */

import { type Connection, forProvider } from '../accounts/connections.ts'
import { atOnce } from '../calls/at-once.ts'
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
    if (owner.state !== 'active') return notKnown('the connection is paused')
    const ask = asking(adapter(owner.provider), owner)
    const answer = await ask(attemptReference(reference, attempts))
    return answer.result === 'absent' ? absenceAt(owner, ask) : answer
  }

type Ask = (reference: string) => Promise<LookUp>

const notKnown = (why: string): LookUp => ({ result: 'not_known', why })

const asking =
  ({ lookUp }: ProviderAdapter, owner: Connection): Ask =>
  async (reference) => {
    if (!lookUp) return notKnown('the provider cannot be asked')
    return lookUp(reference, forProvider(owner)).catch((error: unknown) => notKnown(String(error)))
  }

/** Absence means something only where the same question finds a message that is known to be there. */
async function absenceAt({ keptReference }: Connection, ask: Ask): Promise<LookUp> {
  if (!keptReference) return notKnown('the provider was not seen to keep our references')
  const { result } = await ask(keptReference.reference)
  return result === 'found' ? { result: 'absent' } : notKnown('a message that is there is not found either')
}

/** Calls at the same time; each one has a deadline of its own. */
const callsAtOnce = 8

/** Message -> what its provider says; those whose provider cannot be asked are left out. */
export async function lookUpAll(
  { lookUp }: { readonly lookUp: LookUpMessage },
  records: readonly OutgoingRecord[],
): Promise<Map<number, LookUp>> {
  const answers = await atOnce(records, callsAtOnce, async (record) => [record.id, await lookUp(record)] as const)
  return new Map(answers.flatMap(([id, answer]) => (answer ? [[id, answer] as const] : [])))
}
