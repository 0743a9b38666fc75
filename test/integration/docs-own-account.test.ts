import { expect } from 'chai'
import { commandsOf, runCommands } from '../support/docs.ts'
import { inWorld } from '../support/stories.ts'
import { adminKey } from '../support/world.ts'

describe("the page on a client's own account", function () {
  this.timeout(120_000)

  it('leads from a wrong token to the first message', () =>
    inWorld({ storage: 'sqlite', simulator: { templateApprovalMs: 200 } }, async (world) => {
      const given = { GATEWAY: world.url, ADMIN_API_KEY: adminKey, SIMULATOR: world.provider.url }
      const { code, output } = await runCommands(commandsOf('docs/own-account.md'), given)
      expect(code, output).to.equal(0)
      expect(output).to.include('Create a token of a system user').and.to.include('\nfirst message: read')
    }))
})
