/** Events that cannot be used, each kind with the reason that it must be parked with. */

import { anFdrEvent } from './fixtures.ts'

export interface BrokenEvent {
  readonly label: string
  /** The reason it is parked with. */
  readonly reason: string
  /** `n` makes each one another. */
  readonly make: (n: number) => Buffer
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const fdr = (changes: Record<string, unknown>) => json(anFdrEvent(changes))
const nested = (depth: number, n: number) => `{"n":${n},"a":${'['.repeat(depth)}${']'.repeat(depth)}}`
const withField = (n: number, field: string) => Buffer.from(`{"n":${n},${field},${json(anFdrEvent()).subarray(1)}`)
const megabyte = 1024 * 1024

/** The real event without any word on why the delivery failed. */
function withoutReason(n: number): Buffer {
  const event = anFdrEvent({ remarks: `zzz ${n}` })
  event.response_data.track_payload = []
  return json(event)
}

export const brokenEvents: readonly BrokenEvent[] = [
  { label: 'cut off', reason: 'not_json', make: (n) => json(anFdrEvent()).subarray(0, 200 + n) },
  { label: 'empty', reason: 'empty_body', make: () => Buffer.alloc(0) },
  { label: 'XML', reason: 'not_json', make: (n) => Buffer.from(`<event n="${n}"/>`) },
  { label: 'not UTF-8', reason: 'not_json', make: (n) => Buffer.from([0x22, 0xc3, 0x28, n, 0x22]) },
  { label: 'UTF-16', reason: 'not_json', make: (n) => Buffer.from(`{"n":${n}}`, 'utf16le') },
  { label: '1 MB of junk', reason: 'not_json', make: (n) => Buffer.alloc(megabyte, `junk ${n} `) },
  { label: 'more than 1 MB', reason: 'too_large', make: (n) => Buffer.alloc(megabyte + 1 + n, 'x') },
  { label: 'a list', reason: 'unknown_kind', make: (n) => json([n, anFdrEvent()]) },
  { label: 'a number', reason: 'unknown_kind', make: (n) => json(n) },
  { label: 'null', reason: 'unknown_kind', make: (n) => Buffer.from(`${' '.repeat(n)}null`) },
  { label: 'deep', reason: 'too_complex', make: (n) => Buffer.from(nested(20_000, n)) },
  { label: 'wide', reason: 'too_complex', make: (n) => json({ n, wide: Array.from({ length: 60_000 }, () => []) }) },
  { label: '__proto__', reason: 'forbidden_key', make: (n) => withField(n, '"__proto__":{"polluted":true}') },
  {
    label: 'constructor',
    reason: 'forbidden_key',
    make: (n) => withField(n, '"constructor":{"prototype":{"polluted":true}}'),
  },
  { label: 'no phone', reason: 'missing_phone', make: () => fdr({ customerContactNumber: '', shippingAddress: [] }) },
  { label: 'no phone number', reason: 'invalid_phone', make: (n) => fdr({ customerContactNumber: `12345${n}` }) },
  { label: 'no reason', reason: 'unknown_reason', make: withoutReason },
  { label: 'no status log', reason: 'missing_status_log_id', make: (n) => fdr({ status_log_id: null, n }) },
  { label: 'ids of wrong type', reason: 'invalid_id', make: (n) => fdr({ status_log_id: { n } }) },
  { label: 'id beyond 2^63', reason: 'invalid_id', make: (n) => fdr({ status_log_id: `${2n ** 63n + BigInt(n)}` }) },
  {
    label: 'number beyond 2^53',
    reason: 'invalid_id',
    make: (n) =>
      Buffer.from(
        json(anFdrEvent({ status_log_id: 0 }))
          .toString()
          .replace('"status_log_id":0', `"status_log_id":${2n ** 53n + 1n + 2n * BigInt(n)}`),
      ),
  },
  {
    label: 'account 1e400',
    reason: 'invalid_id',
    make: (n) =>
      Buffer.from(
        json(anFdrEvent({ n, account_id: 379 }))
          .toString()
          .replace('"account_id":379', '"account_id":1e400'),
      ),
  },
  {
    label: 'no shipment',
    reason: 'missing_response_data',
    make: (n) => json({ ...anFdrEvent(), response_data: null, n }),
  },
]

/** So many broken events, of all kinds in turn. */
export const someBrokenEvents = (count: number): { readonly kind: BrokenEvent; readonly body: Buffer }[] =>
  Array.from({ length: count }, (_, index) => {
    const kind = brokenEvents[index % brokenEvents.length] ?? brokenEvents[0]
    if (!kind) throw new Error('there are no kinds')
    return { kind, body: kind.make(Math.floor(index / brokenEvents.length)) }
  })
