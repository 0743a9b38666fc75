/** Template files, read and checked: against their kinds, against each other, and against what WhatsApp takes. */

import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { KindTemplate } from '../kinds/kind-template.ts'
import { maxBodyLength } from '../parameters.ts'
import { placeholder, type Values, variablesIn } from './placeholders.ts'

export interface TemplateFile {
  readonly key: string
  readonly language: string
  readonly source: string
}

export const readTemplateFiles = (folder: string): TemplateFile[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.hbs'))
    .sort()
    .map((file) => {
      const [key = '', language = ''] = basename(file, '.hbs').split('.')
      return { key, language, source: readFileSync(join(folder, file), 'utf8').trim() }
    })

const named = ({ key, language }: TemplateFile, problems: readonly string[]): string[] =>
  problems.map((problem) => `templates/${key}.${language}.hbs: ${problem}`)

const letter = /\p{L}/u
const wordsIn = (text: string): number => text.match(/[\p{L}\p{M}\p{N}]+/gu)?.length ?? 0
/** Of a variable that no kind declares. */
const usualLength = 60

/** Why WhatsApp would not take this body as a template, or why it could not always be filled. */
const bodyProblems = (source: string, kind: KindTemplate | undefined): string[] => {
  const between = source.split(/\{\{[a-z][a-z0-9_]*\}\}/)
  const fixed = between.join('')
  const variables = [...source.matchAll(placeholder)].map(([, name]) => name ?? '')
  const lengthOf = (name: string) =>
    kind?.variables.find((variable) => variable.name === name)?.maxLength ?? usualLength
  const longest = fixed.length + variables.reduce((sum, name) => sum + lengthOf(name), 0)
  const isPlain = !between.some((text) => /[{}\\\t\n]| {2}|\*\*/.test(text))
  return [
    ...(isPlain ? [] : ['only {{variable}} placeholders, one line, single spaces, no backslash, no **']),
    ...(letter.test(between[0] ?? '') ? [] : ['must not start with a variable']),
    ...(letter.test(between.at(-1) ?? '') ? [] : ['must not end with a variable']),
    ...(between.slice(1, -1).every((text) => letter.test(text)) ? [] : ['two variables stand next to each other']),
    ...(wordsIn(between.join(' ')) > 2 * variables.length ? [] : ['too few words for so many variables']),
    ...(longest <= maxBodyLength ? [] : [`up to ${longest} characters when filled; ${maxBodyLength} are allowed`]),
  ]
}

/** What is wrong with a template file by itself. */
export const fileProblems = (file: TemplateFile, kind: KindTemplate | undefined): string[] =>
  named(file, [
    ...bodyProblems(file.source, kind),
    ...(/^[a-z0-9_]{1,512}$/.test(file.key) ? [] : ['the name may have a-z, 0-9 and _ only']),
  ])

/** What there is beside a template file. */
export interface Beside {
  readonly files: readonly TemplateFile[]
  /** Undefined: a template that is only sent by its name. */
  readonly kind: KindTemplate | undefined
  /** Values of the language; undefined = there is no such language. */
  readonly examples: Values | undefined
}

/** How a template file disagrees with what is beside it. */
export const disagreements = (file: TemplateFile, { files, kind, examples }: Beside): string[] => {
  const { key, language, source } = file
  const found = variablesIn(source)
  const english = files.find((other) => other.key === key && other.language === 'en')
  const wanted = kind?.variables.map(({ name }) => name) ?? variablesIn(english?.source ?? '')
  return named(file, [
    ...(examples ? [] : [`there is no languages/${language}.yaml`]),
    ...(english ? [] : ['there is no English version']),
    ...(found.join() === wanted.join() ? [] : [`variables must come in this order: ${wanted.join(', ')}`]),
    ...found
      .filter((name) => exampleOf(name, kind, examples) === undefined)
      .map((name) => `no example of ${name} in ${language}`),
  ])
}

/** What stands for a variable when WhatsApp reviews the template. */
export const exampleOf = (name: string, kind: KindTemplate | undefined, examples: Values = {}): string | undefined =>
  Object.hasOwn(examples, name) ? examples[name] : kind?.variables.find((variable) => variable.name === name)?.example
