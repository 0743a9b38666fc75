/** Counts, and their sums: pure. */

/** What is counted of some messages: name -> whole number; nothing is 0. */
export type Facts = Record<string, number>

/** Facts of messages that are alike: their dimensions, as {@link cellKey} writes them -> facts. */
export type Cells = Record<string, Facts>

/** Adds facts, or takes them away; what comes to 0 is left out, so that equal counts are equal objects. */
export function addFacts(into: Facts, facts: Readonly<Facts>, times = 1): void {
  for (const [name, count] of Object.entries(facts)) {
    const sum = (into[name] ?? 0) + count * times
    if (sum === 0) delete into[name]
    else into[name] = sum
  }
}

/** The same for cells. */
export function addCells(into: Cells, cells: Readonly<Cells>, times = 1): void {
  for (const [key, facts] of Object.entries(cells)) addToCell(into, key, facts, times)
}

export function addToCell(into: Cells, key: string, facts: Readonly<Facts>, times = 1): void {
  const cell = into[key] ?? {}
  addFacts(cell, facts, times)
  if (Object.keys(cell).length === 0) delete into[key]
  else into[key] = cell
}
