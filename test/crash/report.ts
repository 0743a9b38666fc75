/** What a person reads after a run. */

import type { Evidence } from './evidence.ts'
import { connect, groupBy, type Verdict } from './judge.ts'
import type { Troubles } from './trouble.ts'

const examples = 5
const warnings = 8

export function printReport(evidence: Evidence, verdicts: readonly Verdict[], troubles: Troubles): void {
  printTable('Trouble', Object.entries(troubles).sort())
  printTable('Facts', Object.entries(figures(evidence)))
  printTable('Warnings and errors in the logs', loudest(evidence))
  printTable(
    'Judgement',
    verdicts.map(({ rule, violations }) => [rule, violations.length]),
  )
  for (const { rule, violations } of verdicts.filter((verdict) => verdict.violations.length > 0)) {
    console.log(`\n${rule}:`)
    for (const violation of violations.slice(0, examples)) console.log(`  ${violation}`)
  }
}

function figures(evidence: Evidence): Record<string, number> {
  const { events, messages, accepted, published, ndr, told, doubtedIds } = evidence
  const { takenByReference, byReference } = connect(evidence)
  const repeats = [...takenByReference].filter(([, taken]) => taken.length > 1)
  const states = groupBy(messages, ({ state }) => state)
  return {
    'events published': events.length,
    'messages accepted by the provider': accepted.length,
    'reports and their copies answered 200': told.length,
    'messages that were in doubt': doubtedIds.size,
    'of them sent again, marked possible_duplicate': messages.filter((row) => row.isPossibleDuplicate).length,
    'of them accepted twice indeed': repeats.filter(([reference]) => byReference.get(reference)?.isPossibleDuplicate)
      .length,
    ...Object.fromEntries([...states].sort().map(([state, rows]) => [`messages that ended ${state}`, rows.length])),
    'starts that a gateway gave up': evidence.failedStarts,
    'decisions at the courier side': ndr.length,
    'of them told more than once, under one key': ndr.filter(({ calls }) => calls > 1).length,
    'activity events published': published.size,
    'of them more than once': [...published.values()].filter(({ copies }) => copies > 1).length,
  }
}

const loudest = ({ log }: Evidence): [string, number][] =>
  [
    ...groupBy(
      log.filter(({ level }) => level > 0),
      ({ level, text }) => `${level >= 50 ? 'error' : 'warn'}  ${text.slice(0, 110)}`,
    ),
  ]
    .map(([text, lines]): [string, number] => [text, lines.length])
    .sort(([, a], [, b]) => b - a)
    .slice(0, warnings)

function printTable(title: string, rows: readonly (readonly [string, number])[]): void {
  console.log(`\n${title}`)
  for (const [name, value] of rows) console.log(`  ${String(value).padStart(7)}  ${name}`)
}
