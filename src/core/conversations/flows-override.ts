/** An account's own flows: what it wants otherwise is laid over `flows.yaml`, its channel's over that. */

import { variablesIn } from '../notifications/catalog/placeholders.ts'
import { type TextKey, textVariables } from '../notifications/catalog/words.ts'
import { type ActionFlow, type Flows, type FlowsOverride, flowsSchema, type OwnTexts } from './flows.ts'

export interface FlowProblem {
  /** E.g. `actions.cancel.answer`. */
  readonly path: string
  readonly message: string
}

type ActionOverride = NonNullable<NonNullable<FlowsOverride['actions']>[keyof Flows['actions']]>

/** Both overrides as one; the second one's word counts, holidays of both do. */
export function joinOverrides(first: FlowsOverride, second: FlowsOverride): FlowsOverride {
  const names = [...new Set([...keysOf(first.actions), ...keysOf(second.actions)])]
  const texts = [...new Set([...keysOf(first.texts), ...keysOf(second.texts)])]
  return {
    ...first,
    ...second,
    actions: Object.fromEntries(names.map((name) => [name, joinAction(first.actions?.[name], second.actions?.[name])])),
    deliveryDates: joinDates(first.deliveryDates, second.deliveryDates),
    texts: Object.fromEntries(texts.map((key) => [key, { ...first.texts?.[key], ...second.texts?.[key] }])),
  }
}

/** An action that does something else has none of the parts that belonged to what it did before. */
const joinAction = (first: ActionOverride = {}, second: ActionOverride = {}): ActionOverride =>
  second.does !== undefined && second.does !== first.does ? second : { ...first, ...second }

function joinDates(
  first: FlowsOverride['deliveryDates'] = {},
  second: FlowsOverride['deliveryDates'] = {},
): NonNullable<FlowsOverride['deliveryDates']> {
  const holidays = [...new Set([...(first.holidays ?? []), ...(second.holidays ?? [])])]
  return {
    ...first,
    ...second,
    ...(holidays.length > 0 ? { holidays } : {}),
    couriers: { ...first.couriers, ...second.couriers },
  }
}

type Result = { readonly flows: Flows } | { readonly problems: readonly FlowProblem[] }

/** The flows with an override laid over them, or what is wrong with that. */
export function withOverride(base: Flows, override: FlowsOverride): Result {
  const { actions = {}, deliveryDates, texts = {}, ...rest } = override
  const { texts: _, ...written } = base
  const merged = {
    ...written,
    ...rest,
    actions: Object.fromEntries(
      keysOf(base.actions).map((name) => [name, overAction(base.actions[name], actions[name])]),
    ),
    deliveryDates: joinDates(base.deliveryDates, deliveryDates),
  }
  const checked = flowsSchema.safeParse(merged)
  const problems = [
    ...(checked.success ? [] : checked.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))),
    ...textProblems(texts),
  ]
  return checked.success && problems.length === 0 ? { flows: { ...checked.data, texts } } : { problems }
}

/** What is wrong with an override; empty when it can be laid over the flows. */
export function problemsWith(base: Flows, override: FlowsOverride): readonly FlowProblem[] {
  const result = withOverride(base, override)
  return 'problems' in result ? result.problems : []
}

const overAction = (base: ActionFlow, override: ActionOverride = {}): object =>
  override.does === undefined || override.does === base.does
    ? { ...base, ...override }
    : { activity: base.activity, ...override }

function textProblems(texts: OwnTexts): FlowProblem[] {
  return keysOf(texts).flatMap((key) =>
    Object.entries(texts[key] ?? {}).flatMap(([language, words]) => {
      const path = `texts.${key}.${language}`
      const wanted: readonly string[] = textVariables[key]
      const isFilled = [...variablesIn(words)].sort().join() === [...wanted].sort().join()
      if (isFilled && !/[{}]/.test(words.replace(/\{\{[a-z_]+\}\}/g, ''))) return []
      const values = wanted.map((name) => `{{${name}}}`).join(', ')
      return [{ path, message: wanted.length > 0 ? `must name exactly ${values}` : 'must have no {{...}}' }]
    }),
  )
}

const keysOf = <K extends string>(record: { readonly [Key in K]?: unknown } | undefined): K[] =>
  Object.keys(record ?? {}) as K[]

/** An account's own words for a text, in this language or the one it is a variety of. */
export function ownText(
  texts: OwnTexts,
  key: TextKey,
  language: string,
  values: Readonly<Record<string, string>>,
): string | undefined {
  const words = texts[key]?.[language] ?? texts[key]?.[language.split(/[-_]/)[0] ?? '']
  return words?.replace(/\{\{([a-z_]+)\}\}/g, (_, name: string) => values[name] ?? '')
}

/** The flows that hold for an override, worked out once for each; one that does not fit any more is left out. */
export function createFlowsFor(base: Flows): (override: FlowsOverride | undefined) => Flows {
  const known = new WeakMap<FlowsOverride, Flows>()
  return (override) => {
    if (!override) return base
    const found = known.get(override)
    if (found) return found
    const result = withOverride(base, override)
    const flows = 'flows' in result ? result.flows : base
    known.set(override, flows)
    return flows
  }
}
