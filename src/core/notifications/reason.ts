import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { type CustomerAction, customerActions } from '../contract/actions.ts'

export const actions = customerActions
export type Action = CustomerAction

/** Why a delivery failed, as one row of `config/reasons.yaml`. */
export interface Reason {
  /** Snake case; the template is `fdr_<key>`. */
  readonly key: string
  /** The tracking aggregator's NDR code. */
  readonly code: number
  readonly description: string
  /** Is the customer told, without an account having to map a template? */
  readonly notify: boolean
  /** Quick replies of the template, in order. */
  readonly buttons: readonly Action[]
}

export interface ReasonTable {
  readonly reasons: readonly Reason[]
  /** Tried in this order. */
  readonly patterns: readonly { readonly reason: Reason; readonly pattern: RegExp }[]
}

/** What an event says about its reason. */
export interface ReasonClues {
  readonly ndrCode?: number | undefined
  readonly ndrDescription?: string | undefined
  readonly remarks?: string | undefined
}

export interface FoundReason {
  readonly key: string
  readonly notify: boolean
  readonly from: 'code' | 'description' | 'remark'
}

const reasonSchema = z.strictObject({
  key: z.string().regex(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/, 'must be snake_case'),
  code: z.int().positive(),
  description: z.string().trim().min(1),
  notify: z.boolean(),
  buttons: z.array(z.enum(actions)).max(3).default([]),
})
const tableSchema = z.strictObject({
  reasons: z.array(reasonSchema).min(1),
  patterns: z.array(z.strictObject({ reason: z.string(), pattern: z.string().min(1) })),
})
type Written = z.infer<typeof tableSchema>

/**
 * Reads a YAML file and checks its shape.
 * @throws {Error} that names the file and every problem in it
 */
export const readYaml = <T extends z.ZodType>(path: string, schema: T): z.infer<T> => {
  const result = schema.safeParse(parseYaml(path))
  if (result.success) return result.data
  return failWith(
    path,
    result.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`),
  )
}

const parseYaml = (path: string): unknown => {
  try {
    return parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return failWith(path, [error instanceof Error ? error.message : String(error)])
  }
}

/** @throws {Error} one that lists all the problems of a configuration file */
export const failWith = (path: string, problems: readonly string[]): never => {
  throw new Error([`${path} cannot be used:`, ...problems.map((problem) => `- ${problem}`)].join('\n'))
}

/** What `load` gives, or undefined and its problems added to the others, so that all are told at once. */
export const collect = <T>(problems: string[], load: () => T): T | undefined => {
  try {
    return load()
  } catch (error) {
    problems.push((error instanceof Error ? error.message : String(error)).replaceAll('\n', '\n  '))
    return undefined
  }
}

const repeated = <T>(values: readonly T[]): T[] => [...new Set(values.filter((value, i) => values.indexOf(value) < i))]

const compile = (pattern: string): RegExp | undefined => {
  try {
    return new RegExp(pattern, 'iu')
  } catch {
    return undefined
  }
}

const reasonProblems = ({ reasons }: Written): string[] => [
  ...repeated(reasons.map(({ key }) => key)).map((key) => `reason ${key} stands there twice`),
  ...repeated(reasons.map(({ code }) => code)).map((code) => `code ${code} stands there twice`),
  ...repeated(reasons.map(({ description }) => words(description))).map((text) => `"${text}" stands there twice`),
  ...reasons.flatMap(({ key, buttons }) => repeated(buttons).map((action) => `${key}: button ${action} twice`)),
  ...reasons.filter((r) => r.notify && r.buttons.length === 0).map(({ key }) => `${key}: notify without buttons`),
]

const patternProblems = ({ reasons, patterns }: Written): string[] =>
  patterns.flatMap(({ reason, pattern }) => [
    ...(reasons.some(({ key }) => key === reason) ? [] : [`pattern ${pattern}: there is no reason ${reason}`]),
    ...(compile(pattern) ? [] : [`pattern ${pattern} is no regular expression`]),
  ])

/**
 * Loads the table of reasons and remark patterns.
 * @throws {Error} that names every problem in the file
 */
export const loadReasons = (path: string): ReasonTable => {
  const written = readYaml(path, tableSchema)
  const problems = [...reasonProblems(written), ...patternProblems(written)]
  if (problems.length > 0) return failWith(path, problems)
  const patterns = written.patterns.flatMap(({ reason: key, pattern }) => {
    const [reason, compiled] = [written.reasons.find((row) => row.key === key), compile(pattern)]
    return reason && compiled ? [{ reason, pattern: compiled }] : []
  })
  return { reasons: written.reasons, patterns }
}

/** Lower-case words without punctuation, so that `OTP Based Cancellation` equals `OTP-based cancellation`. */
const words = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()

/** Longer texts are not searched to their end: remarks come from outside, patterns may be slow. */
const searchedCharacters = 500

const byPattern = (text: string, table: ReasonTable): Reason | undefined => {
  const searched = text.slice(0, searchedCharacters).replace(/\s+/g, ' ')
  return table.patterns.find(({ pattern }) => pattern.test(searched))?.reason
}

const byDescription = (text: string, table: ReasonTable): Reason | undefined =>
  table.reasons.find(({ description }) => words(description) === words(text)) ?? byPattern(text, table)

/** Why the delivery failed: by NDR code, else by its description, else by the courier's remark. */
export const reasonOf = (clues: ReasonClues, table: ReasonTable): FoundReason | undefined => {
  const { ndrCode, ndrDescription, remarks } = clues
  const found = (reason: Reason | undefined, from: FoundReason['from']): FoundReason | undefined =>
    reason && { key: reason.key, notify: reason.notify, from }
  return (
    found(
      table.reasons.find(({ code }) => code === ndrCode),
      'code',
    ) ??
    found(ndrDescription ? byDescription(ndrDescription, table) : undefined, 'description') ??
    found(remarks ? byPattern(remarks, table) : undefined, 'remark')
  )
}
