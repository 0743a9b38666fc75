/** Compares what was counted with a recount: every block with its messages, every sum with the blocks. */

import type { Database, Executor } from '../storage/database.ts'
import { sqlTime } from '../storage/time.ts'
import { addCells, isEmpty } from './cells.ts'
import { type Crowd, withLimits } from './crowds.ts'
import { type BlockCells, blockOf, readBlock } from './read-block.ts'
import { difference } from './recount.ts'
import { type Slot, segmentOf } from './slots.ts'
import { holdState, uncommittedMs } from './stats-state.ts'
import { storedCells } from './stored-blocks.ts'
import { readSum } from './stored-sum.ts'
import { addBlock, type Sum, type Sums, withSegments } from './sums.ts'

export interface Checked {
  readonly blocks: number
  readonly sums: number
  /** Blocks that differ from their messages, and sums that differ from the blocks. */
  readonly wrongBlocks: readonly number[]
  readonly wrongSums: readonly string[]
  /** Blocks that differ and in which something changed just now: they are to be counted yet. */
  readonly changing: readonly number[]
}

/**
 * Reads everything once, in short transactions beside which counting goes on.
 * @throws {Error} while all is counted anew
 */
export async function checkStats(database: Database, now: () => Date): Promise<Checked> {
  const [wrongBlocks, changing, sums, wrongSums] = [[] as number[], [] as number[], new Set<string>(), [] as string[]]
  const blocks = await allBlocks(database)
  for (const block of blocks) {
    const found = await holding(database, (tx) => checkBlock(tx, block, now()))
    if (found === 'wrong') wrongBlocks.push(block)
    if (found === 'changing') changing.push(block)
  }
  for (const first of await allSegments(database)) {
    const found = await holding(database, (tx) => checkSegment(tx, first))
    for (const name of found.names) sums.add(name)
    wrongSums.push(...found.wrong)
  }
  return { blocks: blocks.length, sums: sums.size, wrongBlocks, wrongSums, changing }
}

/** Nothing is written down meanwhile by whoever counts. */
function holding<T>(database: Database, work: (tx: Executor) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    const state = await holdState(database, tx)
    if (state?.phase !== null) throw new Error('all is being counted anew: check when that is done')
    return work(tx)
  })
}

/** Of messages, or counted once. */
async function allBlocks(database: Database): Promise<number[]> {
  const [row] = await database.select<{ first: number | null; last: number | null }>(
    'SELECT MIN(id) AS first, MAX(id) AS last FROM wa_outgoing_messages',
  )
  const [first, last] = [blockOf(Number(row?.first ?? 0)), row?.last ? blockOf(Number(row.last)) : -1]
  const stored = await database.select<{ id: number }>('SELECT id FROM wa_stats_blocks')
  const blocks = [...Array.from({ length: last - first + 1 }, (_, index) => first + index), ...stored.map(idOf)]
  return [...new Set(blocks)].sort((a, b) => a - b)
}

const idOf = ({ id }: { readonly id: number }): number => Number(id)

async function checkBlock(tx: Executor, block: number, now: Date): Promise<'right' | 'changing' | 'wrong'> {
  const stored = (await storedCells(tx, [block])).get(block) ?? {}
  if (Object.keys(difference(await readBlock(tx, block), stored)).length === 0) return 'right'
  const recent = sqlTime(new Date(now.getTime() - uncommittedMs))
  const [due] = await tx.select('SELECT id FROM wa_stats_blocks WHERE id = $1 AND is_due = 1', [block])
  const [changed] = await tx.select('SELECT id FROM wa_outgoing_messages WHERE updated_at >= $1 LIMIT 1', [recent])
  return due || changed ? 'changing' : 'wrong'
}

async function allSegments(database: Database): Promise<Slot[]> {
  const [blocks] = await database.select<Range>(
    'SELECT MIN(first_slot) AS first, MAX(last_slot) AS last FROM wa_stats_blocks',
  )
  const [sums] = await database.select<Range>(
    'SELECT MIN(first_slot) AS first, MAX(first_slot) AS last FROM wa_stats_sums',
  )
  const bounds = [blocks?.first, blocks?.last, sums?.first, sums?.last].flatMap((slot) => (slot == null ? [] : [slot]))
  const segments: Slot[] = []
  for (let slot = Math.min(...bounds); slot <= Math.max(...bounds); ) {
    const segment = segmentOf(slot)
    segments.push(segment.first)
    slot = segment.first + segment.slots
  }
  return segments
}

interface Range {
  readonly first: Slot | null
  readonly last: Slot | null
}

async function checkSegment(tx: Executor, first: Slot): Promise<{ names: string[]; wrong: string[] }> {
  const end = first + segmentOf(first).slots
  const expected = await sumsOfBlocks(tx, first, end)
  const stored = await tx.select<{ name: string; cells: string }>(
    'SELECT name, cells FROM wa_stats_sums WHERE first_slot >= $1 AND first_slot < $2',
    [first, end],
  )
  const names = new Set([...expected.keys(), ...stored.map(({ name }) => name)])
  const found = new Map(stored.map((row) => [row.name, readSum(row.cells)]))
  const isWrong = (name: string) => isOtherThan(expected.get(name), found.get(name))
  return { names: [...names], wrong: [...names].filter(isWrong) }
}

/** Texts have names in the one as in the other. */
function isOtherThan(expected: Sum | undefined, found: Crowd | undefined): boolean {
  if (!expected || !found) return true
  const rest = found.cells
  addCells(rest, withLimits(expected.cells, expected.key.scope, found.limits), -1)
  return !isEmpty(rest)
}

async function sumsOfBlocks(tx: Executor, first: Slot, end: Slot): Promise<Sums> {
  const rows = await tx.select<{ id: number }>(
    'SELECT id FROM wa_stats_blocks WHERE first_slot < $2 AND last_slot >= $1',
    [first, end],
  )
  const sums: Sums = new Map()
  for (const { id } of rows) {
    const cells = (await storedCells(tx, [Number(id)])).get(Number(id)) ?? {}
    addBlock(sums, within(cells, first, end))
  }
  return withSegments(sums)
}

const within = (cells: BlockCells, first: Slot, end: Slot): BlockCells =>
  Object.fromEntries(Object.entries(cells).filter(([slot]) => Number(slot) >= first && Number(slot) < end))
