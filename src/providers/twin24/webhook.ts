/**
 * What TWIN calls us with: status callbacks, and calls of bot scenarios. Only one literal of a callback is known, so
 * every likely wrapping is taken; what is in none of them is kept for a person.
 */

import type { InboundEvent, InboundPart } from '../../core/contract/events.ts'
import type { ProviderConnection } from '../../core/contract/provider.ts'
import { fieldOf, isRecord, type JsonRecord, parseJson } from '../shared/read.ts'
import { readAction } from './action.ts'
import { readCallback, statusOf } from './report.ts'

/**
 * Every status or action as a part of its own, in order; what cannot be read is one unreadable part.
 * @throws {SyntaxError} when the body is neither JSON nor a form with anything in it
 */
export function parseWebhook(body: Buffer, owners: readonly ProviderConnection[], receivedAt: Date): InboundEvent[] {
  const text = body.toString('utf8')
  const found = elementsIn(parseJson(text) ?? formIn(text))
  if (found.length === 0) throw new SyntaxError('the call is neither JSON nor a form with a status or an action in it')
  return found.map((element) => ({ part: partOf(element, owners, receivedAt) }))
}

const wrappers = ['messages', 'items', 'data'] as const

/** Bare, in a list, or under one of the usual names; there perhaps as text. */
function elementsIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (!isRecord(value)) return []
  if (statusOf(value) ?? fieldOf(value, 'ref') ?? fieldOf(value, 'action') ?? fieldOf(value, 'event')) return [value]
  for (const name of wrappers) {
    const inner = fieldOf(value, name)
    const unwrapped = typeof inner === 'string' ? parseJson(inner) : inner
    if (Array.isArray(unwrapped)) return unwrapped
    if (isRecord(unwrapped)) return [unwrapped]
  }
  return [value]
}

/** `a=1&b=2`; undefined for what is no form. */
function formIn(text: string): JsonRecord | undefined {
  if (!/^[\w.%[\]-]{1,128}=/.test(text)) return undefined
  const fields = Object.fromEntries(new URLSearchParams(text))
  return Object.keys(fields).length > 0 ? fields : undefined
}

function partOf(element: unknown, owners: readonly ProviderConnection[], receivedAt: Date): InboundPart {
  if (!isRecord(element)) return unreadable('an element that is not an object', element)
  // Webhooks of telephony name their event.
  if (typeof fieldOf(element, 'event') === 'string' && !statusOf(element)) return { type: 'ignored', topic: 'voice' }
  const isAction = fieldOf(element, 'action') !== undefined || fieldOf(element, 'ref') !== undefined
  const part = isAction ? readAction(element, owners, receivedAt) : readCallback(element, owners)
  return typeof part === 'string' ? unreadable(part, element) : part
}

const unreadable = (why: string, raw: unknown): InboundPart => ({ type: 'unreadable', why, raw })
