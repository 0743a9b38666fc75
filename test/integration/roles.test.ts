import { expect } from 'chai'
import { startWorld, until } from '../support/world.ts'

describe('replicas of a gateway', () => {
  for (const roles of ['http', 'http,consumers']) {
    it(`one with the roles ${roles} counts while it runs, and not after it has left`, async () => {
      const world = await startWorld({ storage: 'mysql', env: { ROLES: roles } })
      const replicas = () => world.rows('SELECT replica_id FROM gateway_replicas')
      try {
        await until('it says that it lives', async () => (await replicas()).length === 1)
        await world.app.stop()
        expect(await replicas()).to.be.empty
      } finally {
        await world.provider.close()
        await world.database.close()
        await world.dropStorage()
      }
    })
  }
})
