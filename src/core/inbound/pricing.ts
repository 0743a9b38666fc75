/** What messages cost, as far as their reports tell: the first word on each fact stays, whatever its report's rank. */

import type { Pricing } from '../contract/events.ts'
import type { Executor } from '../storage/database.ts'
import { fillRows, updateWhereIn, type Values } from '../storage/rows.ts'
import { sqlTime } from '../storage/time.ts'
import type { PendingReport } from './inbound-store.ts'

/** Fact -> column of the message. */
const columns = {
  model: 'pricing_model',
  type: 'pricing_type',
  category: 'pricing_category',
  isBillable: 'is_billable',
  amountMicros: 'price_micros',
  conversationId: 'conversation_id',
  conversationOrigin: 'conversation_origin',
} as const satisfies Record<keyof Pricing, string>

const longest: Readonly<Record<string, number>> = { pricing_model: 16, conversation_id: 128 }
const usualLength = 40

/**
 * Writes the prices that a group of reports tells.
 * @param ids report -> message
 * @param raised messages whose time of change was written already
 */
export async function writePricing(
  tx: Executor,
  pending: readonly PendingReport[],
  ids: ReadonlyMap<number, number>,
  raised: ReadonlySet<number>,
  now: Date,
): Promise<void> {
  const told = new Map<number, Pricing>()
  for (const { id, pricing } of pending) {
    const messageId = ids.get(id)
    if (pricing && messageId !== undefined) told.set(messageId, { ...pricing, ...told.get(messageId) })
  }
  await fillRows(tx, 'wa_outgoing_messages', [...told].map(pricingRow))
  // Statistics find what changed by this time.
  const others = [...told.keys()].filter((id) => !raised.has(id)).sort((a, b) => a - b)
  await updateWhereIn(tx, 'wa_outgoing_messages', { updated_at: sqlTime(now) }, 'id', others)
}

function pricingRow([id, pricing]: readonly [number, Pricing]): Values {
  const facts = Object.entries(columns).map(([fact, column]) => {
    const value = pricing[fact as keyof Pricing] ?? null
    if (typeof value === 'boolean') return [column, value ? 1 : 0]
    if (typeof value === 'number') return [column, value]
    return [column, value?.slice(0, longest[column] ?? usualLength) ?? null]
  })
  return { id, ...Object.fromEntries(facts) }
}
