/** Sums of cells over all blocks: of single slots and of segments, in each scope. */

import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateRows } from '../storage/rows.ts'
import { addCells, type Cells, isEmpty } from './cells.ts'
import { type Crowd, withLimits, withoutCrowd } from './crowds.ts'
import type { BlockCells } from './read-block.ts'
import { addTo, type Dimensions, parseCellKey, type Scope, scopeNames } from './scopes.ts'
import { type Slot, type Span, segmentOf } from './slots.ts'
import { readSum, writtenSum } from './stored-sum.ts'

/** Of which messages a row is the sum. */
interface SumKey extends Span {
  readonly scope: Scope
  /** 0 where the scope is of all accounts together. */
  readonly account: number
}

export interface Sum {
  readonly key: SumKey
  readonly cells: Cells
}

/** By the name of their key. */
export type Sums = Map<string, Sum>

const nameOf = ({ scope, account, slots, first }: SumKey): string => `${scope}/${account}/${slots}/${first}`

/** Adds the cells of a block to the sums of their slots. */
export function addBlock(sums: Sums, block: BlockCells): void {
  for (const [slot, cells] of Object.entries(block)) addSlot(sums, Number(slot), cells)
}

function addSlot(sums: Sums, slot: Slot, cells: Cells): void {
  for (const [key, facts] of Object.entries(cells)) {
    const of = parseCellKey(key) as Dimensions
    for (const scope of scopeNames) {
      const account = scope === 'account' ? of.account : 0
      addTo(cellsOf(sums, { scope, account, first: slot, slots: 1 }), scope, of, facts)
    }
  }
}

/** The same sums, and those of the segments that they are parts of. */
export function withSegments(sums: Sums): Sums {
  const all: Sums = new Map(sums)
  for (const { key, cells } of sums.values()) addCells(cellsOf(all, { ...key, ...segmentOf(key.first) }), cells)
  return all
}

function cellsOf(sums: Sums, key: SumKey): Cells {
  const name = nameOf(key)
  const found = sums.get(name)
  if (found) return found.cells
  const cells: Cells = {}
  sums.set(name, { key, cells })
  return cells
}

/** Rows at one time: others come in between. */
const rowsAtOnce = 16
/** Bytes of a row that is written with others; a larger one has a statement of its own, so that none is too large. */
const smallRow = 128 * 1024

/** Adds changes to what is stored. The caller holds off everybody else. */
export async function applyChanges(
  tx: Executor,
  { keepExisting }: Pick<Database, 'keepExisting'>,
  changes: Sums,
): Promise<void> {
  const names = [...changes.keys()].filter((name) => hasCells(changes.get(name))).sort()
  for (let from = 0; from < names.length; from += rowsAtOnce) {
    const added = await changeStored(tx, changes, names.slice(from, from + rowsAtOnce))
    for (const rows of statements(added.map(sumRow))) await insertRows(tx, 'wa_stats_sums', rows, keepExisting)
  }
}

/** @returns those that are not stored yet */
async function changeStored(tx: Executor, changes: Sums, names: readonly string[]): Promise<Sum[]> {
  const sql = 'SELECT id, name, cells FROM wa_stats_sums WHERE name'
  const rows = await selectIn<{ id: number; name: string; cells: string }>(tx, sql, names)
  const known = rows.map(({ id, name, cells }) => ({ id: Number(id), crowd: changed(cells, changes.get(name)) }))
  const left = known.flatMap(({ id, crowd }) => (isEmpty(crowd.cells) ? [] : { id, cells: writtenSum(crowd) }))
  for (const rows of statements(left)) await updateRows(tx, 'wa_stats_sums', rows)
  // Messages that are deleted leave none.
  for (const { id, crowd } of known)
    if (isEmpty(crowd.cells)) await tx.write('DELETE FROM wa_stats_sums WHERE id = $1', [id])
  const stored = new Set(rows.map(({ name }) => name))
  return names.filter((name) => !stored.has(name)).flatMap((name) => changes.get(name) ?? [])
}

/** Those that are small together, each other one alone. */
function statements<T extends { readonly cells: string }>(rows: readonly T[]): T[][] {
  const isSmall = ({ cells }: T) => Buffer.byteLength(cells) <= smallRow
  const small = rows.filter(isSmall)
  return [...(small.length > 0 ? [small] : []), ...rows.filter((row) => !isSmall(row)).map((row) => [row])]
}

const hasCells = (sum: Sum | undefined): boolean => sum !== undefined && !isEmpty(sum.cells)

function changed(stored: string, change: Sum | undefined): Crowd {
  const { cells, limits } = readSum(stored)
  if (!change) return { cells, limits }
  const { scope } = change.key
  addCells(cells, withLimits(change.cells, scope, limits))
  return withoutCrowd({ cells, limits }, scope)
}

const sumRow = ({ key, cells }: Sum) => ({
  name: nameOf(key),
  scope: key.scope,
  account_id: key.account,
  slots: key.slots,
  first_slot: key.first,
  cells: writtenSum(withoutCrowd({ cells, limits: {} }, key.scope)),
})
