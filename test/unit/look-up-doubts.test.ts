import { expect } from 'chai'
import type { Connection } from '../../src/core/accounts/connections.ts'
import type { LookUp, ProviderAdapter } from '../../src/core/contract/provider.ts'
import { createLookUp, lookUpAll } from '../../src/core/sending/look-up-doubts.ts'
import { aRecord } from '../support/records.ts'

const owner = { id: 1, provider: 'any', state: 'active', credentials: {}, verifyToken: 'secret' } as Connection

/** Asks for a message in doubt; tells by which references the provider was asked. */
async function ask(
  changes: Partial<Connection> | undefined,
  answer: (reference: string) => Promise<LookUp>,
  looksUp = true,
) {
  const asked: string[] = []
  const adapter = {
    lookUp: (reference: string) => {
      asked.push(reference)
      return answer(reference)
    },
  } as Partial<ProviderAdapter> as ProviderAdapter
  const lookUp = createLookUp({
    connection: async () => (changes ? { ...owner, ...changes } : undefined),
    adapter: () => adapter,
    looksUp: () => looksUp,
  })
  return { said: await lookUp(aRecord({ attempts: 3 })), asked }
}

const absent = async (): Promise<LookUp> => ({ result: 'absent' })

describe('asking a provider for a message in doubt', () => {
  const found: LookUp = { result: 'found', messageId: 'm-1' }
  const kept = { keptReference: { reference: 'known.1', at: new Date() } }
  const ofAttempt = `${aRecord().reference}.3`

  it('names the attempt', async () => {
    expect(await ask({}, async () => found)).to.deep.equal({ said: found, asked: [ofAttempt] })
  })

  it('believes that it is not there only when one that is there is found', async () => {
    const knows = async (reference: string) => (reference === 'known.1' ? found : absent())
    expect(await ask(kept, knows)).to.deep.equal({ said: { result: 'absent' }, asked: [ofAttempt, 'known.1'] })
    expect((await ask(kept, absent)).said?.result, 'finds nothing at all').to.equal('not_known')
    expect((await ask({}, knows)).said?.result, 'never gave a reference back').to.equal('not_known')
  })

  it('is not done where it cannot be, or the connection is gone or paused', async () => {
    expect(await ask({}, absent, false)).to.deep.equal({ said: undefined, asked: [] })
    expect(await ask(undefined, absent)).to.deep.equal({ said: undefined, asked: [] })
    const { said, asked } = await ask({ state: 'paused' }, absent)
    expect({ result: said?.result, asked }).to.deep.equal({ result: 'not_known', asked: [] })
  })

  it('tells nothing when it fails', async () => {
    const { said } = await ask({}, () => Promise.reject(new Error('broken')))
    expect(said?.result).to.equal('not_known')
  })

  it('is done for many with few calls at a time', async () => {
    let [running, most] = [0, 0]
    const records = Array.from({ length: 30 }, (_, id) => aRecord({ id }))
    const found = await lookUpAll(
      {
        lookUp: async () => {
          most = Math.max(most, ++running)
          await new Promise((resolve) => setTimeout(resolve, 1))
          running--
          return { result: 'absent' }
        },
      },
      records,
    )
    expect(found.size).to.equal(30)
    expect(most).to.be.at.most(8)
  })
})
