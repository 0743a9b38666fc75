import { expect } from 'chai'
import type { Connection } from '../../src/core/accounts/connections.ts'
import type { Content } from '../../src/core/contract/content.ts'
import { type FailureCode, failureKinds } from '../../src/core/contract/failures.ts'
import type { Capabilities } from '../../src/core/contract/provider.ts'
import {
  chooseRoute,
  createCanCarry,
  type RouteChoices,
  reroute,
  type TemplateTrouble,
} from '../../src/core/sending/route.ts'
import { aConnection } from '../support/records.ts'

const own = aConnection(7)
const platform = aConnection(1)
const other = aConnection(9)
const paused = { state: 'paused', stateReason: 'credentials_invalid' } as const
const [ownWhy, platformWhy] = ["account's own connection", "platform's default connection"]

interface Case {
  readonly label: string
  readonly own?: Connection
  /** Default: when there is an own one. */
  readonly namesOwn?: boolean
  readonly isAskedFor?: boolean
  readonly platform?: Connection
  readonly fallback?: Connection
  /** Connections whose circuit breaker is open. */
  readonly silent?: readonly number[]
  /** Connections at which the template cannot be used. */
  readonly troubles?: Readonly<Record<number, TemplateTrouble>>
  readonly expected: number | undefined
  readonly why: string
}

const cases: Case[] = [
  { label: 'its own connection', own, platform, expected: 7, why: ownWhy },
  { label: 'its own, although there is a fallback', own, fallback: other, expected: 7, why: ownWhy },
  { label: 'none named', platform, expected: 1, why: platformWhy },
  {
    label: 'one named that is deleted',
    own: aConnection(7, { state: 'deleted' }),
    platform,
    fallback: other,
    expected: undefined,
    why: "the account's connection does not exist",
  },
  {
    label: 'one named that is not there',
    namesOwn: true,
    platform,
    expected: undefined,
    why: "the account's connection does not exist",
  },
  { label: 'none named and no default', expected: undefined, why: 'there is no default connection' },
  {
    label: 'paused without fallback: its messages wait',
    own: aConnection(7, paused),
    platform,
    expected: 7,
    why: ownWhy,
  },
  { label: 'asked for', own, isAskedFor: true, expected: 7, why: 'the connection that was asked for' },
  { label: 'silent without fallback: its messages wait', own, silent: [7], expected: 7, why: ownWhy },
  {
    label: 'paused',
    own: aConnection(7, paused),
    fallback: other,
    expected: 9,
    why: `fallback: ${ownWhy} is paused (credentials_invalid)`,
  },
  {
    label: 'paused by hand without a reason',
    own: aConnection(7, { state: 'paused' }),
    fallback: other,
    expected: 9,
    why: `fallback: ${ownWhy} is paused (no reason given)`,
  },
  { label: 'silent', own, fallback: other, silent: [7], expected: 9, why: `fallback: ${ownWhy} does not answer` },
  {
    label: "the platform's, silent",
    platform,
    fallback: other,
    silent: [1],
    expected: 9,
    why: `fallback: ${platformWhy} does not answer`,
  },
  { label: 'both silent', own, fallback: other, silent: [7, 9], expected: 7, why: ownWhy },
  {
    label: 'silent, its fallback paused',
    own,
    fallback: aConnection(9, paused),
    silent: [7],
    expected: 7,
    why: ownWhy,
  },
  {
    label: 'paused, its fallback deleted',
    own: aConnection(7, paused),
    fallback: aConnection(9, { state: 'deleted' }),
    expected: 7,
    why: ownWhy,
  },
  {
    label: 'template paused there',
    own,
    fallback: other,
    troubles: { 7: 'template_paused' },
    expected: 9,
    why: `fallback: ${ownWhy} has the template paused or disabled`,
  },
  {
    label: 'template paused there, no fallback',
    own,
    troubles: { 7: 'template_paused' },
    expected: undefined,
    why: `${ownWhy} has the template paused or disabled`,
  },
  {
    label: 'template rejected there, unusable at the fallback too',
    own,
    fallback: other,
    troubles: { 7: 'template_not_approved', 9: 'template_paused' },
    expected: undefined,
    why: `${ownWhy} has no approval for the template`,
  },
  {
    label: 'silent, the template unusable at its fallback',
    own,
    fallback: other,
    silent: [7],
    troubles: { 9: 'template_not_approved' },
    expected: 7,
    why: ownWhy,
  },
]

describe('route', () => {
  for (const { label, silent = [], troubles = {}, fallback, expected, why, ...given } of cases) {
    it(`${label}: ${expected === undefined ? 'none' : `connection ${expected}`}, ${why}`, () => {
      const choices: RouteChoices = {
        own: given.own,
        namesOwn: given.namesOwn ?? given.own !== undefined,
        isAskedFor: given.isAskedFor ?? false,
        platform: given.platform,
        fallbackOf: () => fallback,
        answers: ({ id }) => !silent.includes(id),
        templateTrouble: ({ id }) => troubles[id],
      }
      const chosen = chooseRoute(choices)
      if ('none' in chosen) expect({ id: undefined, why: chosen.none }).to.deep.equal({ id: expected, why })
      else {
        expect(chosen.route).to.deep.equal({ connectionId: expected, why })
        expect(chosen.connection.id).to.equal(expected)
      }
    })
  }

  it('asks for the fallback of the connection that was chosen', () => {
    const asked: number[] = []
    const fallbackOf = ({ id }: Connection) => {
      asked.push(id)
      return undefined
    }
    const around = { answers: () => false, templateTrouble: () => undefined }
    chooseRoute({ own, namesOwn: true, isAskedFor: false, platform, fallbackOf, ...around })
    expect(asked).to.deep.equal([7])
  })
})

describe('route after a refusal', () => {
  for (const code of Object.keys(failureKinds) as FailureCode[]) {
    const { tryNextConnection } = failureKinds[code]
    it(`${code}: ${tryNextConnection ? 'the fallback' : 'stays'}`, () => {
      const expected = { connectionId: 9, why: `fallback: connection 7 refused (${code})` }
      expect(reroute({ code }, own, other, ownWhy)).to.deep.equal(tryNextConnection ? expected : undefined)
    })
  }

  it('no code that leaves it open whether the message was taken leads to another connection', () => {
    const doubtful = Object.values(failureKinds).filter((kind) => kind.class === 'in_doubt')
    expect(doubtful).to.have.length.above(2)
    for (const kind of doubtful) expect(kind.tryNextConnection).to.equal(false)
  })

  it('goes nowhere without a fallback, or when that one cannot send', () => {
    const failure = { code: 'connection_unreachable' } as const
    expect(reroute(failure, own, undefined, ownWhy)).to.equal(undefined)
    for (const state of ['paused', 'deleted'] as const) {
      expect(reroute(failure, own, aConnection(9, { state }), ownWhy), state).to.equal(undefined)
    }
  })

  it('goes on once only, so that two that name each other do not play ping-pong', () => {
    const failure = { code: 'connection_unreachable' } as const
    const first = reroute(failure, own, other, ownWhy)
    expect(reroute(failure, other, own, first?.why ?? '')).to.equal(undefined)
    expect(reroute(failure, other, own, `fallback: ${ownWhy} does not answer`)).to.equal(undefined)
  })
})

describe('what a connection can carry', () => {
  const template = { type: 'template', template: { name: 'fdr_a', language: 'en' }, values: {}, buttons: [] } as const
  const text = { type: 'text', text: 'Hello' } as const
  const registered = { templates: 'registered', freeForm: true } as Capabilities
  const mapped = { templates: 'mapped', freeForm: false } as Capabilities
  const bot = { chatId: 'c', botId: 'b' }
  const cases: [label: string, capabilities: Capabilities | undefined, content: Content | null, expected: boolean][] = [
    ['a template that is found by name', registered, template, true],
    ['free text', registered, text, true],
    ['a template that is mapped', mapped, template, true],
    ['one that is not', mapped, { ...template, template: { name: 'fdr_b', language: 'en' } }, false],
    ['one in another language', mapped, { ...template, template: { name: 'fdr_a', language: 'hi' } }, false],
    ['free text where there is none', mapped, text, false],
    ['nothing', registered, null, false],
    ['anything at a provider that is gone', undefined, template, false],
  ]
  for (const [label, capabilities, content, expected] of cases) {
    it(`${label}: ${expected}`, () => {
      const canCarry = createCanCarry(() => capabilities)
      expect(canCarry(aConnection(1, { templates: { 'fdr_a.en': bot } }), content)).to.equal(expected)
    })
  }
})
