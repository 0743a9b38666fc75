import { expect } from 'chai'
import { commandsOf, runCommands } from '../support/docs.ts'
import { inWorld } from '../support/stories.ts'
import { adminKey } from '../support/world.ts'

describe('the page on operations', function () {
  this.timeout(120_000)

  it('replays what was parked, and decides a doubt', () =>
    inWorld({ storage: 'sqlite' }, async (world) => {
      const parts = ['## Parked events', '## Doubts'].map((heading) => commandsOf('docs/operations.md', heading))
      const given = { GATEWAY: world.url, ADMIN_API_KEY: adminKey, SIMULATOR: world.provider.url }
      const { code, output } = await runCommands(parts.join('\n'), given)
      expect(code, output).to.equal(0)
      expect(output).to.match(/^invalid_phone: /m)
      expect(output).to.match(/^\d+ invalid_phone parked$/m)
      expect(output).to.match(/"status":422,"detail":"invalid_phone: /)
      expect(output).to.match(/^queued$/m)
      expect(output).to.match(/^\d+ is unknown$/m)
      expect(output).to.match(/^resent: read$/m)
    }))
})
