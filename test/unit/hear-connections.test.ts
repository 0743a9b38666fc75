import { expect } from 'chai'
import type { ConnectionRef } from '../../src/core/accounts/connection-reader.ts'
import { createHearConnections } from '../../src/core/sending/hear-connections.ts'

describe('news of changed connections', () => {
  const heard = async (only: ConnectionRef | undefined) => {
    const dropped: unknown[] = []
    const woken: number[] = []
    const lanes = {
      snapshot: () => [1, 2, 3].map((connectionId) => ({ connectionId, inFlight: 0, breaker: 'closed' as const })),
      wake: async (connectionId: number) => void woken.push(connectionId),
    }
    await createHearConnections({ drop: (changed) => void dropped.push(changed) }, lanes)(only)
    return { dropped, woken }
  }

  it('of one make only that one be forgotten, and its lane look', async () => {
    const one = { id: 2, accountId: 379 }
    expect(await heard(one)).to.deep.equal({ dropped: [one], woken: [2] })
  })

  it('of one that sends nothing here wake nobody', async () => {
    const one = { id: 9, accountId: 379 }
    expect(await heard(one)).to.deep.equal({ dropped: [one], woken: [] })
  })

  it('of any make all be forgotten, and all lanes look', async () => {
    expect(await heard(undefined)).to.deep.equal({ dropped: [undefined], woken: [1, 2, 3] })
  })
})
