import { expect } from 'chai'
import { commandsOf, runCommands } from '../support/docs.ts'
import { inWorld } from '../support/stories.ts'
import { adminKey } from '../support/world.ts'

describe('the set-up guide', function () {
  this.timeout(120_000)

  it('leads from an empty account to the first message', () =>
    inWorld({ storage: 'sqlite', isBare: true, simulator: { templateApprovalMs: 200 } }, async (world) => {
      const { DATABASE_URL = '', SECRETS_KEYS = '', META_BASE_URL = '' } = world.env
      const given = { DATABASE_URL, SECRETS_KEYS, META_BASE_URL, GATEWAY: world.url, PUBLIC_URL: world.url }
      const { code, output } = await runCommands(commandsOf('docs/set-up.md'), { ...given, ADMIN_API_KEY: adminKey })
      expect(code, output).to.equal(0)
      for (const seen of [
        /^token type: The access token is that of a person/m,
        /^token scopes: The access token lacks whatsapp_business_management/m,
        /^registration: The phone number is not registered \(status PENDING\)/m,
        /^The number's status is CONNECTED\.$/m,
        /^subscription: The account sends its webhooks to no app/m,
        /^callback URL: Meta knows no callback URL/m,
        /^A webhook that is signed with the app secret arrived at .*: the secret is right\.$/m,
        /^first message: read$/m,
      ])
        expect(output).to.match(seen)
      const bad = [...output.matchAll(/^ {2}BAD {2}([^:]+): /gm)].map(([, name]) => name)
      expect(bad, output).to.deep.equal(['public URL', 'courier side'])
    }))
})
