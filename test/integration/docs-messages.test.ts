import { expect } from 'chai'
import { commandsOf, runCommands } from '../support/docs.ts'
import { inWorld } from '../support/stories.ts'
import { adminKey } from '../support/world.ts'

describe('the page on messages that people write', function () {
  this.timeout(120_000)

  it('says what works', () =>
    inWorld({ storage: 'sqlite' }, async (world) => {
      const script = commandsOf('docs/messages.md')
      expect(script).to.include('/v1/messages/bulk').and.to.include('/cancel').and.to.include('/v1/conversations/')
      const { code, output } = await runCommands(script, { GATEWAY: world.url, ADMIN_API_KEY: adminKey })
      expect(code, output).to.equal(0)
      expect(output).to.include('{ accepted: 1, skipped: 0, failed: 1 }').and.to.include("reason: 'invalid_phone'")
      const [row] = await world.rows<{ n: number }>(
        "SELECT COUNT(*) AS n FROM wa_outgoing_messages WHERE kind = 'agent_message'",
      )
      expect(row?.n).to.equal(3)
    }))
})
