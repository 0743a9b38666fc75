/** Sums of cells over all blocks: of single slots and of segments, in each scope. */

import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateRows } from '../storage/rows.ts'
import { addCells, type Cells, isEmpty } from './cells.ts'
import type { BlockCells } from './read-block.ts'
import { addTo, type Dimensions, parseCellKey, type Scope, scopeNames } from './scopes.ts'
import { type Slot, type Span, segmentOf } from './slots.ts'

/** Of which messages a row is the sum. */
interface SumKey extends Span {
  readonly scope: Scope
  /** 0 where the scope is of all accounts together. */
  readonly account: number
}

interface Sum {
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

/** Rows at one time: others come in between, and a statement stays far below what a server takes. */
const rowsAtOnce = 16

/** Adds changes to what is stored. The caller holds off everybody else. */
export async function applyChanges(
  tx: Executor,
  { keepExisting }: Pick<Database, 'keepExisting'>,
  changes: Sums,
): Promise<void> {
  const names = [...changes.keys()].filter((name) => hasCells(changes.get(name))).sort()
  const added: Sum[] = []
  for (let from = 0; from < names.length; from += rowsAtOnce)
    added.push(...(await changeStored(tx, changes, names.slice(from, from + rowsAtOnce))))
  await insertRows(tx, 'wa_stats_sums', added.map(sumRow), keepExisting)
}

/** @returns those that are not stored yet */
async function changeStored(tx: Executor, changes: Sums, names: readonly string[]): Promise<Sum[]> {
  const sql = 'SELECT id, name, cells FROM wa_stats_sums WHERE name'
  const rows = await selectIn<{ id: number; name: string; cells: string }>(tx, sql, names)
  const known = rows.map(({ id, name, cells }) => ({ id: Number(id), cells: changed(cells, changes.get(name)) }))
  const left = known.filter(({ cells }) => !isEmpty(cells))
  await updateRows(
    tx,
    'wa_stats_sums',
    left.map(({ id, cells }) => ({ id, cells: JSON.stringify(cells) })),
  )
  // Messages that are deleted leave none.
  for (const { id, cells } of known) if (isEmpty(cells)) await tx.write('DELETE FROM wa_stats_sums WHERE id = $1', [id])
  const stored = new Set(rows.map(({ name }) => name))
  return names.filter((name) => !stored.has(name)).flatMap((name) => changes.get(name) ?? [])
}

const hasCells = (sum: Sum | undefined): boolean => sum !== undefined && !isEmpty(sum.cells)

function changed(stored: string, change: Sum | undefined): Cells {
  const cells = JSON.parse(stored) as Cells
  addCells(cells, change?.cells ?? {})
  return cells
}

const sumRow = ({ key, cells }: Sum) => ({
  name: nameOf(key),
  scope: key.scope,
  account_id: key.account,
  slots: key.slots,
  first_slot: key.first,
  cells: JSON.stringify(cells),
})
