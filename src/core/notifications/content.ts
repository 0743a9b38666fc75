import type { FdrEvent, FdrItem } from './kinds/fdr-event.ts'
import type { TemplateCatalog } from './template-catalog.ts'

/** Longest filled body of a template, in UTF-16 units (so that nobody's way of counting finds more). */
export const maxBodyLength = 1024

/** Longest value of each template variable. The catalog refuses a body that could outgrow `maxBodyLength`. */
const maxLengths = new Map([
  ['customer', 60],
  ['brand', 60],
  ['order', 40],
  ['item_count', 10],
  ['phone', 20],
  ['address', 200],
  ['amount', 20],
  ['support_phone', 20],
  ['support_email', 80],
  ['items', 300],
  ['supplier', 100],
])
const defaultMaxLength = 60

export const maxLengthOf = (variable: string): number => maxLengths.get(variable) ?? defaultMaxLength

const ownVariables = new Map<string, readonly string[]>([
  ['customer_unreachable', ['phone']],
  ['address_issue', ['address']],
  ['payment_issue', ['amount']],
  ['open_delivery', ['support_phone', 'support_email']],
])

/** The body variables of a reason's template, in their fixed order. */
export const fdrVariables = (reasonKey: string): string[] => [
  'customer',
  'brand',
  'order',
  'item_count',
  ...(ownVariables.get(reasonKey) ?? []),
  'items',
]

const invisible = /[\p{Cs}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb]/gu
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u

const cut = (value: string, maxLength: number): string => {
  if (value.length <= maxLength) return value
  const kept = value.slice(0, maxLength - 1).replace(/[\s\u200d]*[\ud800-\udbff]?$/, '')
  return `${kept}…`
}

/**
 * Makes a value fit for a template parameter: one line, single spaces, no control or text-direction characters, never
 * empty (`-` instead), at most `maxLength` UTF-16 units (cut between code points, with an ellipsis).
 * Meta refuses newlines, tabs, long runs of spaces and empty values:
 * https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates
 */
export const safeParameter = (value: string, maxLength: number = maxBodyLength): string => {
  const line = value
    .replace(invisible, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return visible.test(line) ? cut(line, Math.max(maxLength, 1)) : '-'
}

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
  maxLength: number = maxLengthOf('items'),
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

const rupees = new Intl.NumberFormat('en-IN', { minimumFractionDigits: 2, maximumFractionDigits: 2 })

const countUnits = (items: readonly FdrItem[]): string => {
  const units = items.reduce((sum, { quantity }) => sum + quantity, 0)
  return units > 0 ? String(units) : ''
}

/** What a first message needs besides the event. */
export interface FdrSurroundings {
  /** The customer's number as it is to be shown. */
  readonly phone: string
  readonly support?: { readonly phone?: string | undefined; readonly email?: string | undefined } | undefined
  /** The words for items left out, in the language of the message. */
  readonly andMore: (count: number) => string
  /** What to call a customer whose name is not known, in the language of the message. */
  readonly unnamedCustomer?: string | undefined
}

/**
 * The values of a reason's template, in the order of its variables; what is not known is `-`. Each value is short
 * enough for the filled body to stay within `maxBodyLength`.
 */
export const fdrValues = (fdr: FdrEvent, reasonKey: string, around: FdrSurroundings): Record<string, string> => {
  const known = new Map<string, string | undefined>([
    ['customer', fdr.customerName ?? around.unnamedCustomer],
    ['brand', fdr.brand],
    ['order', fdr.orderNumber],
    ['item_count', countUnits(fdr.items)],
    ['phone', around.phone],
    ['address', fdr.address],
    ['amount', fdr.amount === undefined ? undefined : rupees.format(fdr.amount)],
    ['support_phone', around.support?.phone],
    ['support_email', around.support?.email],
    ['items', itemList(fdr.items, around.andMore)],
  ])
  const names = fdrVariables(reasonKey)
  return Object.fromEntries(names.map((name) => [name, safeParameter(known.get(name) ?? '', maxLengthOf(name))]))
}

/**
 * The text that the recipient reads: a built-in template filled with values.
 * @throws {Error} when there is no such template or a value is missing
 */
export const renderText = (
  catalog: TemplateCatalog,
  key: string,
  language: string,
  values: Readonly<Record<string, string>>,
): string => catalog.template(key, language).render(values)
