/** What the templates of failed deliveries are filled with. */

import { decimalText } from '../amounts.ts'
import { fill, safeParameter } from '../parameters.ts'
import type { ReasonTable } from '../reason.ts'
import type { FdrEvent, FdrItem } from './fdr-event.ts'
import type { ComposeFacts } from './kind.ts'
import type { KindTemplate, KindVariable } from './kind-template.ts'

const maxItemsLength = 300

const reasonsOwn = new Map<string, readonly KindVariable[]>([
  ['customer_unreachable', [{ name: 'phone', maxLength: 20 }]],
  ['address_issue', [{ name: 'address', maxLength: 200 }]],
  ['payment_issue', [{ name: 'amount', maxLength: 20 }]],
  [
    'open_delivery',
    [
      { name: 'support_phone', maxLength: 20 },
      { name: 'support_email', maxLength: 80 },
    ],
  ],
])

/** The body variables of a reason's template, in their fixed order. */
export const fdrVariables = (reasonKey: string): KindVariable[] => [
  { name: 'customer', maxLength: 60 },
  { name: 'brand', maxLength: 60 },
  { name: 'order', maxLength: 40 },
  { name: 'item_count', maxLength: 10 },
  ...(reasonsOwn.get(reasonKey) ?? []),
  { name: 'items', maxLength: maxItemsLength },
]

/** One for each reason, whose name it carries. */
export const fdrTemplates = ({ reasons }: ReasonTable): KindTemplate[] =>
  reasons.map(({ key, notify, buttons }) => ({
    reason: key,
    name: `fdr_${key}`,
    category: 'UTILITY',
    variables: fdrVariables(key),
    buttons,
    isNotifiedByDefault: notify,
    isForEverybody: true,
  }))

const labelOf = ({ name, quantity }: FdrItem): string =>
  quantity > 1 ? `${quantity} x ${safeParameter(name)}` : safeParameter(name)

/**
 * Item names on one line: `2 x Bottle, Lunch box`. What does not fit is counted: `2 x Bottle and 3 more`.
 *
 * @param andMore the words for the items left out, e.g. `and 3 more`
 */
export const itemList = (
  items: readonly FdrItem[],
  andMore: (count: number) => string,
  maxLength: number = maxItemsLength,
): string => {
  const labels = items.map(labelOf)
  const whole = labels.join(', ')
  return safeParameter(whole.length <= maxLength ? whole : shortened(labels, andMore, maxLength), maxLength)
}

const shortened = (labels: readonly string[], andMore: (count: number) => string, maxLength: number): string => {
  const ending = (shown: number): string => (shown < labels.length ? ` ${andMore(labels.length - shown)}` : '')
  let best = safeParameter(labels[0] ?? '', maxLength - ending(1).length) + ending(1)
  let names = ''
  for (const [index, label] of labels.entries()) {
    names += index === 0 ? label : `, ${label}`
    if (names.length > maxLength) break
    const candidate = names + ending(index + 1)
    if (candidate.length <= maxLength) best = candidate
  }
  return best
}

const countUnits = (items: readonly FdrItem[]): string => {
  const units = items.reduce((sum, { quantity }) => sum + quantity, 0)
  return units > 0 ? String(units) : ''
}

/**
 * The values of a reason's template, in the order of its variables; what is not known is `-`. Each value is short
 * enough for the filled body to stay within `maxBodyLength`.
 */
export const fdrValues = (
  fdr: FdrEvent,
  reasonKey: string,
  { phone, language, support, words }: ComposeFacts,
): Record<string, string> =>
  fill(fdrVariables(reasonKey), {
    customer: fdr.customerName ?? words.unnamedCustomer,
    brand: fdr.brand,
    order: fdr.orderNumber,
    item_count: countUnits(fdr.items),
    phone,
    address: fdr.address,
    // Asked for by one template only, and a number's country takes a while to find.
    get amount() {
      return fdr.amount === undefined ? undefined : decimalText(fdr.amount, { phone, language })
    },
    support_phone: support.phone,
    support_email: support.email,
    items: itemList(fdr.items, words.andMore),
  })
