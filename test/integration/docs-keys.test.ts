import { expect } from 'chai'
import { commandsOf, runCommands } from '../support/docs.ts'
import { inWorld } from '../support/stories.ts'
import { adminKey } from '../support/world.ts'

describe("the operator's page on keys", function () {
  this.timeout(120_000)

  it('says what works', () =>
    inWorld({ storage: 'sqlite' }, async (world) => {
      const script = commandsOf('docs/keys.md')
      expect(script).to.include('npm run rotate-secrets').and.to.include('-X DELETE')
      const { DATABASE_URL = '', SECRETS_KEYS = '' } = world.env
      const given = { GATEWAY: world.url, ADMIN_API_KEY: adminKey, DATABASE_URL, SECRETS_KEYS }
      const { code, output } = await runCommands(script, given)
      expect(code, output).to.equal(0)
      expect(output).to.match(/\d+ of \d+ connections sealed anew with the key k\d{14}/)
      const [row] = await world.rows<{ credentials: string }>('SELECT credentials FROM wa_connections')
      expect(row?.credentials)
        .to.match(/v1:k\d{14}:/)
        .and.not.match(/v1:k1:/)
    }))
})
