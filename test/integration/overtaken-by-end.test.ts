import { expect } from 'chai'
import { noteEnds } from '../../src/core/conversations/shipment-ends.ts'
import { type AcceptDeps, acceptAll } from '../../src/core/notifications/accept-event.ts'
import { shipmentEnded } from '../../src/core/notifications/gates/shipment-ended.ts'
import { createRejectedEvents } from '../../src/core/notifications/rejected-events.ts'
import { createOutgoingStore } from '../../src/core/sending/outgoing-store.ts'
import { openDatabase } from '../../src/core/storage/database.ts'
import { migrate } from '../../src/core/storage/migrate.ts'
import { aConnection } from '../support/records.ts'
import { storages } from '../support/stories.ts'
import { createStorage, until } from '../support/world.ts'

const now = new Date('2026-03-01T10:00:00.000Z')

const draftOf = (shipment: string) => ({
  reference: shipment.padStart(22, 'e'),
  accountId: 379,
  kind: 'fdr',
  subject: { type: 'shipment', id: shipment },
  idempotencyKey: `fdr:379:${shipment}`,
  connectionId: 1,
  customerPhone: `+9198100${shipment}`,
  content: { type: 'text', text: 'hello' } as const,
  snapshot: {},
  route: { connectionId: 1, why: 'test' },
  state: 'queued' as const,
  dueAt: now,
})

const askFor = (shipment: string) => async () =>
  ({ type: 'send', draft: draftOf(shipment), connection: aConnection(1) }) as const

for (const kind of storages) {
  describe(`An end that another replica writes while a first message is written, on ${kind}`, () => {
    it('keeps the reserved call from beginning, and the claim ends the message', async () => {
      const storage = await createStorage(kind)
      const database = openDatabase({ url: storage.url })
      try {
        await migrate(database)
        const outgoing = createOutgoingStore(database)
        const [started, released]: [string[], string[]] = [[], []]
        const deps: AcceptDeps = {
          // The other replica's commit falls between the look at the ends and the call.
          database: {
            ...database,
            async transaction(work) {
              const result = await database.transaction(work)
              const end = { accountId: 379, shipmentId: '50001', status: 'delivered' }
              await database.transaction((tx) => noteEnds(tx, database.keepExisting, [end], now))
              return result
            },
          },
          gates: [shipmentEnded],
          outgoing,
          rejected: createRejectedEvents(database),
          endConversations: async () => {},
          reserve: (_, recipient) => ({
            start: ({ reference }) => void started.push(reference),
            release: () => void released.push(recipient),
          }),
          wake: () => {},
          giveBack: (claims) => void outgoing.giveBack(claims, now),
          now: () => now,
        }
        const results = await acceptAll(deps, [askFor('50001'), askFor('50002')])
        expect(results.map(({ outcome }) => outcome)).to.deep.equal(['queued', 'queued'])
        expect(started).to.deep.equal([draftOf('50002').reference])
        expect(released).to.deep.equal([draftOf('50001').customerPhone])
        const stateOf = async () => (await outgoing.get(results[0]?.messageId ?? 0))?.state
        await until('it waits', async () => (await stateOf()) === 'queued')
        expect(await outgoing.claim(1, 10, new Set(), now)).to.deep.equal([])
        expect(await stateOf()).to.equal('skipped')
      } finally {
        await database.close()
        await storage.drop()
      }
    })
  })
}
