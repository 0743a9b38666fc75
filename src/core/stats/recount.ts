/**
 * Counts blocks anew and moves the sums by the difference, in one transaction: cut off, nothing has changed; repeated,
 * nothing differs any more.
 */

import type { Database, Executor } from '../storage/database.ts'
import { addCells, type Cells, isEmpty } from './cells.ts'
import { type BlockCells, readBlock } from './read-block.ts'
import { holdState } from './stats-state.ts'
import { settle, storedCells, writeBlock } from './stored-blocks.ts'
import { addBlock, applyChanges, type Sums, withSegments } from './sums.ts'

/**
 * @param blocks not too many for one transaction
 * @returns false where all is to be counted anew, and these were not
 */
export function recount(database: Database, blocks: readonly number[]): Promise<boolean> {
  return database.transaction(async (tx) => {
    // A lease may end while its holder works: the row keeps two of them from counting the same difference.
    if ((await holdState(database, tx))?.phase !== null) return false
    const before = await storedCells(tx, blocks)
    const changes: Sums = new Map()
    const same: number[] = []
    for (const block of [...blocks].sort((a, b) => a - b)) {
      const counted = await readBlock(tx, block)
      const change = difference(counted, before.get(block) ?? {})
      if (Object.keys(change).length === 0) same.push(block)
      else await note(tx, changes, { block, counted, change })
    }
    await settle(tx, same)
    await applyChanges(tx, database, withSegments(changes))
    return true
  })
}

interface ChangedBlock {
  readonly block: number
  readonly counted: BlockCells
  readonly change: BlockCells
}

async function note(tx: Executor, changes: Sums, { block, counted, change }: ChangedBlock): Promise<void> {
  addBlock(changes, change)
  await writeBlock(tx, block, counted)
}

/** What has to be added to the one count to get the other; slots in which nothing differs are left out. */
export function difference(now: BlockCells, before: BlockCells): BlockCells {
  const result: BlockCells = {}
  for (const slot of new Set([...Object.keys(now), ...Object.keys(before)].map(Number))) {
    const [counted, known] = [now[slot] ?? {}, before[slot]]
    const cells = known ? minus(counted, known) : counted
    if (!isEmpty(cells)) result[slot] = cells
  }
  return result
}

function minus(counted: Cells, known: Cells): Cells {
  const cells: Cells = {}
  addCells(cells, counted)
  addCells(cells, known, -1)
  return cells
}
