/** By what messages are told apart, and of which of these sums are kept together: pure. */

import { addToCell, type Cells, type Facts } from './cells.ts'

/** What a message counts under; null = it has none. */
export interface Dimensions {
  readonly account: number
  readonly connection: string | null
  readonly provider: string | null
  /** Name of the template; null for free text. */
  readonly template: string | null
  readonly reason: string | null
  readonly kind: string
  readonly createdBy: string | null
  readonly isFollowUp: boolean
}

export type Dimension = keyof Dimensions

const dimensions = [
  'account',
  'connection',
  'provider',
  'template',
  'reason',
  'kind',
  'createdBy',
  'isFollowUp',
] as const satisfies readonly Dimension[]

const ofAccount = dimensions.filter((name) => name !== 'account')

/**
 * Sums of all accounts together know few dimensions, so that they stay few cells however many accounts there are; those
 * of one account know all. The first one that knows what is asked for answers. All know the provider: prices are its.
 */
export const scopes = {
  overall: ['provider', 'template', 'reason', 'kind', 'isFollowUp'],
  senders: ['account', 'connection', 'provider'],
  agents: ['provider', 'kind', 'createdBy'],
  account: ofAccount,
} as const satisfies Readonly<Record<string, readonly Dimension[]>>

export type Scope = keyof typeof scopes

export const scopeNames = Object.keys(scopes) as Scope[]

/** The narrowest scope that knows these dimensions. */
export const scopeFor = (wanted: readonly Dimension[]): Scope =>
  scopeNames.find((scope) => wanted.every((name) => (scopes[scope] as readonly Dimension[]).includes(name))) ??
  'account'

/** Dimensions as the key of a cell. */
export const cellKey = (of: Dimensions, names: readonly Dimension[] = dimensions): string =>
  JSON.stringify(names.map((name) => of[name]))

/** Reads {@link cellKey}. */
export function parseCellKey(key: string, names: readonly Dimension[] = dimensions): Partial<Dimensions> {
  const values = JSON.parse(key) as unknown[]
  return Object.fromEntries(names.map((name, index) => [name, values[index]]))
}

/** Adds the facts of messages to the cell that they belong to in a scope. */
export const addTo = (cells: Cells, scope: Scope, of: Dimensions, facts: Readonly<Facts>): void =>
  addToCell(cells, cellKey(of, scopes[scope]), facts)
