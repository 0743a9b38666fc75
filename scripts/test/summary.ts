import type { GroupResult } from './progress.ts'

const list = (heading: string, titles: readonly string[]): string[] =>
  titles.length === 0 ? [] : ['', `${heading} (${titles.length}):`, ...titles.map((title) => `  - ${title}`)]

/** What failed and what was skipped, by name; the totals stand alone on the last line. */
export const summaryOf = ({ passed, failed, skipped }: GroupResult): string =>
  [
    ...list('SKIPPED', skipped),
    ...list('FAILED', failed),
    '',
    `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ].join('\n')

/** Green means that something ran and nothing failed. */
export const exitCodeOf = ({ passed, failed }: GroupResult): number => (failed.length === 0 && passed > 0 ? 0 : 1)
