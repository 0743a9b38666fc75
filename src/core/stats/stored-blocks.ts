/** Blocks as they were counted last, and which of them are due. */

import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import type { Database, Executor } from '../storage/database.ts'
import { insertRows, selectIn, updateWhereIn } from '../storage/rows.ts'
import type { BlockCells } from './read-block.ts'

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)
/** Most of the gain for little of the time. */
const level = 1

const table = 'wa_stats_blocks'

/** Marks blocks, also such as were never counted. */
export async function markDue(
  tx: Executor,
  { keepExisting }: Pick<Database, 'keepExisting'>,
  blocks: readonly number[],
): Promise<void> {
  const sorted = [...new Set(blocks)].sort((a, b) => a - b)
  const known = await selectIn<{ id: number }>(tx, `SELECT id FROM ${table} WHERE id`, sorted)
  const existing = new Set(known.map(({ id }) => Number(id)))
  const missing = sorted.filter((id) => !existing.has(id)).map((id) => ({ id, is_due: 1 }))
  await insertRows(tx, table, missing, keepExisting, ['id'])
  await updateWhereIn(
    tx,
    table,
    { is_due: 1 },
    'id',
    sorted.filter((id) => existing.has(id)),
  )
}

/** @param wanted the newest ones, or the next ones from a block on; and which are left out */
export async function dueBlocks(
  executor: Executor,
  limit: number,
  { from, except }: { readonly from?: number | undefined; readonly except: readonly number[] },
): Promise<number[]> {
  const order = from === undefined ? 'ORDER BY id DESC' : `AND id >= ${from} ORDER BY id`
  const rest = except.length === 0 ? '' : `AND id NOT IN (${except.join(', ')})`
  const rows = await executor.select<{ id: number }>(
    `SELECT id FROM ${table} WHERE is_due = 1 ${rest} ${order} LIMIT ${limit}`,
  )
  return rows.map(({ id }) => Number(id))
}

/** How many are due, as far as it matters. */
export async function countDue(executor: Executor, most: number): Promise<number> {
  const [row] = await executor.select<{ n: number }>(
    `SELECT COUNT(*) AS n FROM (SELECT id FROM ${table} WHERE is_due = 1 LIMIT ${most}) AS due`,
  )
  return Number(row?.n ?? 0)
}

export async function storedCells(executor: Executor, blocks: readonly number[]): Promise<Map<number, BlockCells>> {
  const rows = await selectIn<{ id: number; cells: Buffer | null }>(
    executor,
    `SELECT id, cells FROM ${table} WHERE id`,
    blocks,
  )
  const entries = rows.map(async ({ id, cells }) => [Number(id), await unpacked(cells)] as const)
  return new Map(await Promise.all(entries))
}

const unpacked = async (cells: Buffer | null): Promise<BlockCells> =>
  cells === null ? {} : (JSON.parse((await inflate(cells)).toString('utf8')) as BlockCells)

/** Writes down what was counted; a block in which there is no message any more is forgotten. */
export async function writeBlock(tx: Executor, block: number, cells: BlockCells): Promise<void> {
  const slots = Object.keys(cells).map(Number)
  if (slots.length === 0) {
    await tx.write(`DELETE FROM ${table} WHERE id = $1`, [block])
    return
  }
  const packed = await deflate(Buffer.from(JSON.stringify(cells)), { level })
  await tx.write(`UPDATE ${table} SET cells = $2, first_slot = $3, last_slot = $4, is_due = 0 WHERE id = $1`, [
    block,
    packed,
    Math.min(...slots),
    Math.max(...slots),
  ])
}

export const settle = (tx: Executor, blocks: readonly number[]): Promise<void> =>
  updateWhereIn(tx, table, { is_due: 0 }, 'id', blocks)
