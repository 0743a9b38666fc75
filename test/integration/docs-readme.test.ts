import { expect } from 'chai'
import { commandsOf, runCommands } from '../support/docs.ts'
import { inWorld } from '../support/stories.ts'
import { adminKey } from '../support/world.ts'

describe('the three messages of the README', function () {
  this.timeout(120_000)

  it('are read by whom they are for', () =>
    inWorld({ storage: 'sqlite', isBare: true }, async (world) => {
      const given = { GATEWAY: world.url, ADMIN_API_KEY: adminKey, SIMULATOR: world.provider.url }
      const { code, output } = await runCommands(commandsOf('README.md', '## Three messages'), given)
      expect(code, output).to.equal(0)
      expect(output).to.match(/^fdr to \+919810012345 is read: Hello Asha Nair! Your /m)
      expect(output).to.match(/^purchase_order to \+34612345678 is read: Hello Huerta Sol! The purchase order PO-001 /m)
      expect(output).to.match(/^agent_message to \+919810054321 is read: Please use gate 5\./m)
    }))
})
