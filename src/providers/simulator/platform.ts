/** Stands in for the platform: its NDR API, idempotent by key, and the tracking portal to which links lead. */

import { type Answer, type Call, html, json, type Outcome } from './answers.ts'
import { createRing, setBounded } from './bounded.ts'
import type { Events } from './events.ts'
import { type NdrScript, ndrScriptInput } from './inputs.ts'
import { type Fields, fieldsOf, isFilled, parseJson } from './shapes.ts'

/** One decision that the platform knows. */
export interface NdrRecord {
  readonly idempotencyKey: string
  readonly at: string
  readonly body: Fields
  /** How often it was sent to us. */
  calls: number
}

export interface Platform {
  ndrNotification(call: Call): Outcome
  portal(call: Call): Answer
  /** @throws {ZodError} when a field is wrong */
  script(script: NdrScript): void
  /** The decisions taken, each once. */
  ndr(): NdrRecord[]
  /** Every call, also refused ones: its verdict. */
  ndrCalls(): { at: string; verdict: string }[]
  clear(): void
}

const actions: ReadonlySet<unknown> = new Set(['reattempt', 'reschedule', 'report_fake_delivery', 'cancel'])

/** What is wrong with a call, in words; undefined when it can be taken. */
function faultOf({ idempotencyKey, action, deferredDate }: Fields): string | undefined {
  if (!isFilled(idempotencyKey)) return 'idempotencyKey is required'
  if (!actions.has(action)) return 'action is not known'
  const hasDate = isFilled(deferredDate) && /^\d{2}-\d{2}-\d{4}$/.test(deferredDate)
  return action === 'reschedule' && !hasDate ? 'deferredDate (dd-mm-yyyy) is required to reschedule' : undefined
}

export function createPlatform(events: Events, size: number): Platform {
  const taken = new Map<string, NdrRecord>()
  const calls = createRing<{ at: string; verdict: string }>(size)
  let current: NdrScript = { mode: 'ok' }

  const nextMode = (): NdrScript['mode'] => {
    const { mode, next } = current
    if (next !== undefined) current = next > 1 ? { mode, next: next - 1 } : { mode: 'ok' }
    return mode
  }

  const take = (body: Fields): Answer => {
    const key = String(body.idempotencyKey)
    const known = taken.get(key)
    if (known) known.calls++
    else setBounded(taken, key, { idempotencyKey: key, at: new Date().toISOString(), body, calls: 1 }, size)
    events.emit('ndr', { duplicate: known !== undefined, ...body })
    return json(200, { status: 'success', idempotencyKey: key, duplicate: known !== undefined })
  }

  const respond = (body: Fields): Outcome => {
    const mode = nextMode()
    const fault = faultOf(body)
    if (mode === 'hang') return { instead: 'hang', verdict: 'ndr hang' }
    if (mode === 'down') return { ...json(503, { error: 'service unavailable' }), verdict: 'ndr down' }
    if (mode === 'refuse') return { ...json(422, { error: 'shipment is already delivered' }), verdict: 'ndr refused' }
    if (fault) return { ...json(400, { error: fault }), verdict: 'ndr invalid' }
    const answer = take(body)
    return mode === 'lost' ? { ...json(502, { error: 'bad gateway' }), verdict: 'ndr taken, lost' } : answer
  }

  return {
    ndrNotification({ body }) {
      const outcome = respond(fieldsOf(parseJson(body)))
      calls.push({ at: new Date().toISOString(), verdict: outcome.verdict ?? 'ndr taken' })
      return outcome
    },
    portal({ path, query }) {
      events.emit('click', { path, query: Object.fromEntries(query) })
      return html(200, portalPage(path, query))
    },
    script(script) {
      current = ndrScriptInput.parse(script)
    },
    ndr: () => [...taken.values()],
    ndrCalls: () => calls.list(),
    clear() {
      taken.clear()
      calls.clear()
      current = { mode: 'ok' }
    },
  }
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const portalPage = (path: string, query: URLSearchParams): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Track your order</title></head><body>
<h1>Track your order</h1><p>Simulated customer portal.</p><p>${escapeHtml(path)}</p>
<ul>${Array.from(query, ([key, value]) => `<li>${escapeHtml(key)}: ${escapeHtml(value)}</li>`).join('')}</ul>
</body></html>`
