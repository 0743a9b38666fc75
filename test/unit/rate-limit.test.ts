import { expect } from 'chai'
import type { ApiKey } from '../../src/core/accounts/api-keys.ts'
import type { Caller } from '../../src/http/caller.ts'
import { createCallerLimit } from '../../src/http/steps/rate-limit.ts'

const client = (id: number): Caller => ({ kind: 'client', apiKey: { id } as ApiKey })

describe('limit of a caller', () => {
  let nowMs = 0
  const passed = (limit: (caller: Caller) => void, caller: Caller, times: number): number => {
    let count = 0
    for (let at = 0; at < times; at++) {
      try {
        limit(caller)
        count++
      } catch {
        // refused
      }
    }
    return count
  }

  it('lets each key ask so often in a second, whatever others do', () => {
    const limit = createCallerLimit(5, () => nowMs)
    expect(passed(limit, client(1), 20)).to.equal(5)
    expect(passed(limit, client(2), 20)).to.equal(5)
    nowMs += 400
    expect(passed(limit, client(1), 20)).to.equal(2)
    nowMs += 10_000
    expect(passed(limit, client(1), 20), 'nothing is saved up').to.equal(5)
  })

  it('does not count the administrator, nor whoever needs no key', () => {
    const limit = createCallerLimit(1, () => nowMs)
    expect(passed(limit, { kind: 'admin' }, 100)).to.equal(100)
    expect(passed(limit, { kind: 'nobody' }, 100)).to.equal(100)
  })

  it('bears more keys than it remembers', () => {
    const limit = createCallerLimit(1, () => nowMs)
    for (let id = 0; id < 30_000; id++) limit(client(id))
    expect(passed(limit, client(29_999), 5)).to.equal(0)
  })
})
