/**
 * What our buttons carry. Opaque for the customer's phone; from it, action and message are known even when the
 * provider leaves out which message was answered. The message's random reference is the proof that we made it.
 */

import { type Action, actions } from '../notifications/reason.ts'

export interface ButtonPayload {
  readonly reference: string
  readonly action: Action
  /** E.g. the date of a date button, `2026-06-23`. */
  readonly value?: string
}

/** At most 128 characters, as the strictest provider wants it. */
export const buttonPayload = ({ reference, action, value }: ButtonPayload): string =>
  ['g1', reference, action, ...(value ? [value] : [])].join('.')

/** Reads {@link buttonPayload}; undefined for anything that we did not make. */
export function parseButtonPayload(text: string | undefined): ButtonPayload | undefined {
  const [, reference, name, value] = /^g1\.([\w-]{22})\.([a-z_]+)(?:\.([\w-]{1,32}))?$/.exec(text ?? '') ?? []
  const action = actions.find((known) => known === name)
  return reference && action ? { reference, action, ...(value ? { value } : {}) } : undefined
}
