import { expect } from 'chai'
import { commandsOf, runCommands } from '../support/docs.ts'
import { inWorld } from '../support/stories.ts'
import { adminKey } from '../support/world.ts'

describe('the page on contacts', function () {
  this.timeout(120_000)

  it('says what works', () =>
    inWorld({ storage: 'sqlite' }, async (world) => {
      const script = commandsOf('docs/contacts.md')
      expect(script).to.include('/consent')
      const { code, output } = await runCommands(script, { GATEWAY: world.url, ADMIN_API_KEY: adminKey })
      expect(code, output).to.equal(0)
      const said = [...output.matchAll(/"all":\{"isWanted":(true|false),"at":"[^"]+","by":"api"\}/g)]
      expect(said.map(([, isWanted]) => isWanted)).to.deep.equal(['false', 'false', 'true'])
    }))
})
