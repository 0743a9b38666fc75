/** A sum as it stands in its row: JSON of its cells, and of its limits where it has any: pure. */

import type { Cells } from './cells.ts'
import type { Crowd, Limits } from './crowds.ts'

/** Keys of cells are arrays, as JSON. */
const limitsKey = 'limits'

export const writtenSum = ({ cells, limits }: Crowd): string =>
  JSON.stringify(Object.keys(limits).length === 0 ? cells : { ...cells, [limitsKey]: limits })

export function readSum(text: string): Crowd {
  const { [limitsKey]: limits = {}, ...cells } = JSON.parse(text) as Cells
  return { cells, limits: limits as Limits }
}
