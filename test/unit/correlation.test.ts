import { expect } from 'chai'
import { correlationIn } from '../../src/core/observe/correlation.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'

describe("a caller's name of a request", () => {
  const cases: [label: string, headers: object, expected: string | undefined][] = [
    ['its own', { 'x-correlation-id': 'wms-event:08.15_a' }, 'wms-event:08.15_a'],
    ['its trace', { traceparent: `00-${trace}-00f067aa0ba902b7-01` }, trace],
    ['its own before its trace', { 'x-correlation-id': 'a', traceparent: `00-${trace}-00f067aa0ba902b7-01` }, 'a'],
    ['nothing that would break the log, or a header', { 'x-correlation-id': 'a\nb' }, undefined],
    ['nothing that is too long', { 'x-correlation-id': 'a'.repeat(129) }, undefined],
    ['no list', { 'x-correlation-id': ['a', 'b'] }, undefined],
    ['no trace that is none', { traceparent: trace }, undefined],
    ['none', {}, undefined],
  ]
  for (const [label, headers, expected] of cases)
    it(`is ${label}`, () => expect(correlationIn(headers as Record<string, unknown>)).to.equal(expected))
})
