/** What a bot scenario tells us of the customer's answer: our own contract for authors of scenarios. */

import { createHash } from 'node:crypto'
import type { CustomerAction } from '../../core/contract/actions.ts'
import type { CustomerReply } from '../../core/contract/events.ts'
import type { ProviderConnection } from '../../core/contract/provider.ts'
import { defined, type JsonRecord, textOf } from '../shared/read.ts'
import { readSignedReference } from './reference.ts'

const actions: ReadonlyMap<string, CustomerAction> = new Map<string, CustomerAction>([
  ['REATTEMPT', 'reattempt'],
  ['RESCHEDULE', 'reschedule'],
  ['ADDRESS', 'update_address'],
  ['PHONE', 'add_alternate_number'],
  ['FAKE_ATTEMPT', 'report_fake_delivery'],
  ['CANCEL', 'cancel'],
])

/**
 * Reads `{"ref", "action", "value"?, "text"?, "id"?}`; a text says why it cannot be taken. Unknown fields are ignored.
 * The same call is the same reply: by its `id`, else within one minute, so that a scenario may repeat a call that was
 * not answered, and a customer may come back to what they chose before.
 */
export function readAction(
  element: JsonRecord,
  owners: readonly ProviderConnection[],
  receivedAt: Date,
): CustomerReply | string {
  const reference = readSignedReference(textOf(element, 'ref') ?? '', owners)
  if (reference === undefined) return 'a ref that was not signed here'
  const word = textOf(element, 'action')?.toUpperCase() ?? ''
  const [value, text] = [textOf(element, 'value'), textOf(element, 'text')]
  const id = textOf(element, 'id') ?? receivedAt.toISOString().slice(0, '2026-06-24T12:00'.length)
  const reply = { messageId: idOf(reference, [word, value, text, id]), reference, raw: element }
  if (word === 'TEXT') return replyOf({ ...reply, replyType: 'text', value: text ?? value })
  const action = actions.get(word)
  if (!action) return `an action that is not known: ${word || 'none'}`
  const date = action === 'reschedule' && value ? dateIn(value) : undefined
  if (action === 'reschedule' && value && !date) return `RESCHEDULE with a value that is no date: ${value}`
  return replyOf({
    ...reply,
    replyType: 'choice',
    value: text ?? value ?? word,
    choice: { action, ...defined({ value: date }) },
  })
}

type ReplyFacts = Pick<CustomerReply, 'messageId' | 'reference' | 'replyType' | 'choice' | 'raw'> & {
  readonly value: string | undefined
}

/** A reply that came through the dialogue: whose it is follows from the message that it answers. */
export const replyOf = ({ value, ...facts }: ReplyFacts): CustomerReply => ({
  type: 'reply',
  from: {},
  ...facts,
  ...defined({ value }),
})

/** The same facts make the same id. */
export const idOf = (reference: string, facts: readonly (string | undefined)[]): string =>
  `twin24.${createHash('sha256')
    .update(JSON.stringify([reference, ...facts]))
    .digest('base64url')}`

/** `24-06-2026`, `24.06.2026` or `2026-06-24` as `yyyy-mm-dd`; undefined when there is no such day. */
export function dateIn(text: string): string | undefined {
  const [, day, month, year] = /^(\d\d)[-./](\d\d)[-./](\d{4})$/.exec(text.trim()) ?? []
  const iso = year ? `${year}-${month}-${day}` : text.trim()
  if (!/^\d{4}-\d\d-\d\d$/.test(iso)) return undefined
  const at = new Date(`${iso}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(iso) ? iso : undefined
}
