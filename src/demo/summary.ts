/** Was it as it should be? Pure: what was seen and what the API tells, compared with what the script expects. */

import { DateTime } from 'luxon'
import type { Moment } from './moments.ts'
import type { Scene } from './script.ts'
import { type Paint, padTo } from './text.ts'

/** What `GET /v1/messages/{id}` tells about a first message, and how many reports its whole conversation has. */
export interface Timeline {
  readonly id: string
  readonly followUps: readonly object[]
  readonly replies: readonly object[]
  readonly actions: readonly { readonly state: string }[]
  readonly reports: number
}

/** How a scene went. */
export interface Played {
  readonly scene: Scene
  /** Outcomes of the event, in the order in which it was delivered. */
  readonly outcomes: readonly string[]
  /** Of this customer. */
  readonly moments: readonly Moment[]
  /** One for each first message. */
  readonly timelines: readonly Timeline[]
}

export interface Check {
  readonly what: string
  readonly wanted: string
  readonly found: string
}

/** True once everything that is told live has been told. */
export const isComplete = (scene: Scene, moments: readonly Moment[]): boolean =>
  [...decisionChecks(scene, moments), ...activityChecks(scene, moments)].every(isAsWanted)

export const isAsWanted = ({ wanted, found }: Check): boolean => wanted === found

/** Everything that is expected of a scene, with what was found. */
export function checksOf({ scene, outcomes, moments, timelines }: Played): Check[] {
  const { followUps, replies } = scene.expected
  const sum = (count: (timeline: Timeline) => number) => timelines.reduce((total, one) => total + count(one), 0)
  return [
    check('event answered', scene.isSentTwice ? 'queued, duplicate' : 'queued', outcomes.join(', ')),
    check('first messages', 1, timelines.length),
    check(
      "gateway's answers",
      followUps,
      sum((timeline) => timeline.followUps.length),
    ),
    check(
      'delivery reports',
      (1 + followUps) * 3,
      sum((timeline) => timeline.reports),
    ),
    check(
      "customer's replies",
      replies,
      sum((timeline) => timeline.replies.length),
    ),
    ...decisionChecks(scene, moments),
    check('NDR API says', 'taken', timelines.flatMap(({ actions }) => actions.map(({ state }) => state)).join(', ')),
    ...activityChecks(scene, moments),
  ]
}

const check = (what: string, wanted: string | number, found: string | number): Check => ({
  what,
  wanted: String(wanted),
  found: String(found) || 'none',
})

function decisionChecks(scene: Scene, moments: readonly Moment[]): Check[] {
  const calls = moments.flatMap((moment) => (moment.kind === 'ndr' ? [moment.body] : []))
  const decisions = calls.map(({ action, deferredDate }) => [action, deferredDate].filter(Boolean).join(' '))
  return [
    check('NDR API calls', 1, calls.length),
    check('decision', wantedDecision(scene, moments), decisions.join(', ')),
  ]
}

/** A date is pushed as the courier side writes it, and must be the one that stood on the button. */
function wantedDecision({ expected }: Scene, moments: readonly Moment[]): string {
  const { action, byDate } = expected.decision
  if (!byDate) return action
  const title = moments.flatMap((moment) => (moment.kind === 'tap' ? [moment.title] : [])).at(-1) ?? ''
  const date = DateTime.fromFormat(title, 'd LLLL yyyy', { locale: 'en-GB' })
  return `${action} ${date.isValid ? date.toFormat('dd-MM-yyyy') : 'dd-mm-yyyy'}`
}

function activityChecks({ expected }: Scene, moments: readonly Moment[]): Check[] {
  const seen = moments.flatMap((moment) => (moment.kind === 'activity' ? [moment.event.eventSubType] : []))
  const names = new Set([...Object.keys(expected.activity), ...seen])
  const count = (name: string) => seen.filter((other) => other === name).length
  const total = Object.values(expected.activity).reduce((sum, one) => sum + one, 0)
  return [
    check('activity events', total, seen.length),
    ...Array.from(names, (name) => check(`· ${name}`, expected.activity[name] ?? 0, count(name))),
  ]
}

/** What is not as expected, a line each. */
export const shortfalls = (played: readonly Played[]): string[] =>
  played.flatMap((one) =>
    checksOf(one)
      .filter((row) => !isAsWanted(row))
      .map(({ what, wanted, found }) => `${one.scene.person.name}: ${what}: expected ${wanted}, found ${found}`),
  )

const labelColumns = 28
const cellColumns = 24

/** One row a check, one column a scene. */
export function summaryTable(played: readonly Played[], paint: Paint): string[] {
  const columns = played.map((one) => new Map(checksOf(one).map((row) => [row.what, row])))
  const names = new Set(columns.flatMap((column) => [...column.keys()]))
  const people = played.map(({ scene }) => paint.bold(padTo(scene.person.name, cellColumns)))
  const rows = Array.from(names, (name) => [
    padTo(name, labelColumns),
    ...columns.map((of) => cell(of.get(name), paint)),
  ])
  return [[padTo('', labelColumns), ...people], ...rows].map((row) => `  ${row.join(' ')}`.trimEnd())
}

function cell(row: Check | undefined, paint: Paint): string {
  if (!row) return padTo('', cellColumns)
  const { wanted, found } = row
  return isAsWanted(row) ? padTo(found, cellColumns) : paint.red(padTo(`${found} (expected ${wanted})`, cellColumns))
}
