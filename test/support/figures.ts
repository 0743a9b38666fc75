/** Figures of a test that proves something by its size, for whoever reads its output. */

export function printFigures(figures: Readonly<Record<string, number | string>>): void {
  for (const [name, value] of Object.entries(figures)) {
    const shown = typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(1) : value
    console.log(`      ${String(shown).padStart(9)}  ${name}`)
  }
}
