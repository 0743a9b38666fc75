import { appendFileSync, existsSync, readFileSync } from 'node:fs'

/** What a mocha process writes while it runs, one JSON line each, so that its totals survive its crash. */
export type ProgressRecord =
  | { type: 'started' | 'passed' | 'failed' | 'skipped'; title: string }
  | { type: 'ended' }
  | { type: 'leaked'; resources: string[] }

export type GroupResult = { passed: number; failed: string[]; skipped: string[] }

/** Synchronous on purpose: the line is there even when the next statement ends the process. */
export const writeProgress = (file: string, record: ProgressRecord): void =>
  appendFileSync(file, `${JSON.stringify(record)}\n`)

export const readProgress = (file: string): ProgressRecord[] => {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.map((line): ProgressRecord => JSON.parse(line))
}

/** The test that had started and not yet ended, or undefined. */
export const runningTest = (records: readonly ProgressRecord[]): string | undefined => {
  const last = records.findLast((record) => record.type !== 'leaked')
  return last?.type === 'started' ? last.title : undefined
}

/**
 * Totals of one process. Whatever went wrong outside a test counts as one failure: a crash, a rejection after the last
 * test, a process that never came to its end.
 */
export const resultOf = (
  group: string,
  records: readonly ProgressRecord[],
  exit: number | string,
  stopReason?: string,
): GroupResult => {
  const titles = (type: 'failed' | 'skipped') =>
    records.flatMap((record) => (record.type === type ? [`${group}: ${record.title}`] : []))
  const failed = titles('failed')
  const trouble = troubleOf(records, exit, failed.length, stopReason)
  if (trouble) failed.push(`${group}: ${trouble}`)
  return { passed: records.filter(({ type }) => type === 'passed').length, failed, skipped: titles('skipped') }
}

const troubleOf = (
  records: readonly ProgressRecord[],
  exit: number | string,
  failures: number,
  stopReason: string | undefined,
): string | undefined => {
  const during = runningTest(records)
  const where = during ? ` (was running: ${during})` : ''
  if (stopReason) return `${stopReason}${where}`
  const leak = records.find((record) => record.type === 'leaked')
  if (leak) return `something kept running after the last test: ${leak.resources.join(', ')}`
  if (!records.some(({ type }) => type === 'ended')) return `mocha ended with ${exit} before the last test${where}`
  if (exit !== 0 && failures === 0) return `mocha ended with ${exit} after the last test`
  return undefined
}
