import { expect } from 'chai'
import { failureKind, failureKinds } from '../../src/core/contract/failures.ts'
import { knownCodes, ruleOfAnswer, ruleOfCode, ruleOfReport } from '../../src/providers/whatsapp/codes.ts'

/** What each of Meta's sending codes must become; one line per code of its error page. */
const expected: Readonly<Record<string, string>> = {
  0: 'credentials_invalid',
  1: 'provider_error',
  2: 'provider_error',
  3: 'permission_missing',
  4: 'connection_throttled',
  10: 'permission_missing',
  17: 'connection_throttled',
  33: 'sender_not_registered',
  100: 'request_invalid',
  104: 'credentials_invalid',
  190: 'credentials_invalid',
  200: 'permission_missing',
  219: 'permission_missing',
  299: 'permission_missing',
  341: 'connection_throttled',
  368: 'account_restricted',
  613: 'connection_throttled',
  80007: 'connection_throttled',
  130403: 'recipient_not_allowed',
  130429: 'connection_throttled',
  130472: 'recipient_limit',
  130497: 'recipient_not_allowed',
  131000: 'provider_error',
  131005: 'permission_missing',
  131008: 'request_invalid',
  131009: 'request_invalid',
  131014: 'media_unavailable',
  131016: 'provider_error',
  131021: 'recipient_not_allowed',
  131026: 'recipient_unreachable',
  131030: 'recipient_not_allowed',
  131031: 'account_restricted',
  131037: 'permission_missing',
  131042: 'billing_problem',
  131045: 'sender_not_registered',
  131047: 'window_closed',
  131048: 'connection_throttled',
  131049: 'recipient_limit',
  131050: 'recipient_opted_out',
  131051: 'request_invalid',
  131052: 'media_unavailable',
  131053: 'media_unavailable',
  131055: 'request_invalid',
  131056: 'recipient_throttled',
  131057: 'provider_error',
  131062: 'recipient_not_allowed',
  131063: 'template_paused',
  131064: 'connection_throttled',
  132000: 'template_parameters',
  132001: 'template_missing',
  132005: 'template_parameters',
  132007: 'content_refused',
  132008: 'template_parameters',
  132012: 'template_parameters',
  132015: 'template_paused',
  132016: 'template_paused',
  132018: 'template_parameters',
  132068: 'template_paused',
  132069: 'template_paused',
  133004: 'provider_error',
  133010: 'sender_not_registered',
  134011: 'account_restricted',
  134100: 'request_invalid',
  134101: 'provider_busy',
  134102: 'template_missing',
  135000: 'request_invalid',
  137000: 'recipient_not_allowed',
  1752041: 'request_invalid',
}

describe('whatsapp codes', () => {
  it('maps every known code, whatever the HTTP status says', () => {
    for (const [code, failure] of Object.entries(expected)) {
      for (const status of [400, 403, 429, 500, 503]) {
        expect(ruleOfAnswer(status, { code: Number(code) }).code, `${code} with ${status}`).to.equal(failure)
      }
    }
  })

  it('names no code that this test does not, and only failures that core knows', () => {
    const plain = knownCodes.filter((code) => !code.includes('/'))
    expect(Object.keys(expected)).to.include.members(plain)
    for (const code of plain) expect(failureKinds).to.have.property(ruleOfCode({ code: Number(code) })?.code ?? '')
  })

  it('calls only the faults of Meta itself doubtful, and passing', () => {
    for (const code of Object.keys(expected)) {
      const rule = ruleOfCode({ code: Number(code) })
      if (!rule) throw new Error(code)
      expect(failureKind(rule.code).class === 'in_doubt', code).to.equal(rule.transient === true)
    }
  })

  it('reads the subcode where it changes the meaning, and only there', () => {
    expect(ruleOfAnswer(400, { code: 100, subcode: 33 }).code).to.equal('permission_missing')
    expect(ruleOfAnswer(400, { code: 100, subcode: 2494010 }).code).to.equal('request_invalid')
    expect(ruleOfAnswer(401, { code: 190, subcode: 463 }).code).to.equal('credentials_invalid')
  })

  it('does not take 199, 300 and inherited names for codes', () => {
    expect(ruleOfCode({ code: 199 })).to.equal(undefined)
    expect(ruleOfCode({ code: 300 })).to.equal(undefined)
    expect(ruleOfCode({})).to.equal(undefined)
  })

  describe('an answer with an unknown code or none', () => {
    const cases: [status: number, isTransient: boolean, code: string, transient?: true][] = [
      [400, false, 'unknown_refusal'],
      [403, false, 'unknown_refusal'],
      [408, false, 'provider_error'],
      [429, false, 'connection_throttled'],
      [500, false, 'provider_error'],
      [503, false, 'provider_error'],
      [400, true, 'provider_error', true],
      [500, true, 'provider_error', true],
      [200, false, 'answer_unreadable'],
      [302, false, 'answer_unreadable'],
    ]
    for (const [status, isTransient, code, transient] of cases) {
      it(`HTTP ${status}${isTransient ? ', called passing' : ''}: ${code}`, () => {
        for (const vendor of [{ isTransient }, { isTransient, code: 987654 }]) {
          expect(ruleOfAnswer(status, vendor)).to.deep.equal({ code, ...(transient && { transient }) })
        }
      })
    }
  })

  it('lets a known code win over is_transient', () => {
    expect(ruleOfAnswer(400, { code: 132001, isTransient: true }).code).to.equal('template_missing')
  })

  it('reads a report by the same table, but 0 and unknown ones as refusals without a known reason', () => {
    expect(ruleOfReport({ code: 131047 }).code).to.equal('window_closed')
    expect(ruleOfReport({ code: 131000 }).code).to.equal('provider_error')
    expect(ruleOfReport({ code: 0 }).code).to.equal('unknown_refusal')
    expect(ruleOfReport({ code: 987654 }).code).to.equal('unknown_refusal')
    expect(ruleOfReport({}).code).to.equal('unknown_refusal')
  })
})
