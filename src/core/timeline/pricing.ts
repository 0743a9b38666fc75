import type { Pricing } from '../contract/events.ts'
import type { Database } from '../storage/database.ts'

/** What the provider said a message costs; null while it said nothing. */
export async function pricingOf(database: Database, messageId: number): Promise<Pricing | null> {
  const [row] = await database.select<PricingRow>(
    `SELECT pricing_model AS model, pricing_type AS type, pricing_category AS category, is_billable AS isBillable,
       price_micros AS amountMicros,
       conversation_id AS conversationId, conversation_origin AS conversationOrigin
     FROM wa_outgoing_messages WHERE id = $1`,
    [messageId],
  )
  const told = Object.entries(row ?? {}).filter(([, value]) => value !== null)
  if (told.length === 0) return null
  return Object.fromEntries(told.map(([fact, value]) => [fact, fact === 'isBillable' ? value === 1 : value]))
}

type PricingRow = Readonly<Record<keyof Pricing, string | number | null>>
