import { expect } from 'chai'
import type { Connection } from '../../src/core/accounts/connections.ts'
import { chooseRoute, type RouteChoices } from '../../src/core/sending/route.ts'

const aConnection = (id: number, state: Connection['state'] = 'active'): Connection => ({
  id,
  accountId: 379,
  provider: 'meta',
  name: 'Acme',
  senderId: undefined,
  businessPhone: '+911140001234',
  webhookKey: 'key',
  verifyToken: 'token',
  credentials: {},
  limits: { messagesPerSecond: 80, concurrency: 2 },
  fallbackConnectionId: undefined,
  state,
  managedBy: undefined,
})

type Case = RouteChoices & { readonly label: string; readonly expected: number | string }

const [own, platform] = [aConnection(7), aConnection(1)]
const cases: Case[] = [
  { label: 'its own connection', own, namesOwn: true, platform, expected: 7 },
  {
    label: 'its own, paused: its messages wait there',
    own: aConnection(7, 'paused'),
    namesOwn: true,
    platform,
    expected: 7,
  },
  { label: 'none named', own: undefined, namesOwn: false, platform, expected: 1 },
  {
    label: 'one named that is deleted',
    own: aConnection(7, 'deleted'),
    namesOwn: true,
    platform,
    expected: 'does not exist',
  },
  { label: 'one named that is not there', own: undefined, namesOwn: true, platform, expected: 'does not exist' },
  { label: 'none named and no default', own: undefined, namesOwn: false, platform: undefined, expected: 'no default' },
]

describe('route', () => {
  for (const { label, expected, ...choices } of cases) {
    it(`${label}: ${typeof expected === 'number' ? `connection ${expected}` : `none, ${expected}`}`, () => {
      const chosen = chooseRoute(choices)
      if ('none' in chosen) expect(chosen.none).to.contain(expected)
      else {
        expect(chosen.connection.id).to.equal(expected)
        expect(chosen.route.connectionId).to.equal(expected)
        expect(chosen.route.why).to.be.oneOf(["account's own connection", "platform's default connection"])
      }
    })
  }

  it('says why', () => {
    expect(chooseRoute({ own, namesOwn: true, platform })).to.have.nested.property(
      'route.why',
      "account's own connection",
    )
    expect(chooseRoute({ own: undefined, namesOwn: false, platform })).to.have.nested.property(
      'route.why',
      "platform's default connection",
    )
  })
})
