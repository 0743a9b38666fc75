/** All that the catalog is made of, read at once, so that all that is wrong is told at once. */

import { join } from 'node:path'
import { z } from 'zod'
import type { KindTemplate } from '../kinds/kind-template.ts'
import { kinds } from '../kinds/kinds.ts'
import { collect, failWith, loadReasons, readYaml } from '../reason.ts'
import { disagreements, fileProblems, readTemplateFiles, type TemplateFile } from './files.ts'
import { type Language, loadLanguages } from './words.ts'

export interface CatalogData {
  /** Template key -> seconds. */
  readonly lifetimes: Readonly<Record<string, number>>
  readonly languages: ReadonlyMap<string, Language>
  readonly files: readonly TemplateFile[]
  /** By the names of the templates. */
  readonly kinds: ReadonlyMap<string, KindTemplate>
}

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/time-to-live */
const lifetimesSchema = z.record(z.string(), z.int().min(30).max(43_200))

/** @throws {Error} that names every problem found */
export const readCatalogData = (configDir: string): CatalogData => {
  const problems: string[] = []
  const reasons = collect(problems, () => loadReasons(join(configDir, 'reasons.yaml')))
  const languages = loadLanguages(join(configDir, 'languages'), problems)
  const lifetimes = collect(problems, () => readYaml(join(configDir, 'lifetimes.yaml'), lifetimesSchema))
  const templates = kinds.flatMap((kind) => kind.templates(reasons ?? { reasons: [], patterns: [] }))
  const data = {
    lifetimes: lifetimes ?? {},
    languages,
    files: readTemplateFiles(join(configDir, 'templates')),
    kinds: new Map(templates.map((template) => [template.name, template])),
  }
  problems.push(...problemsOf(data, templates, problems.length === 0))
  return problems.length > 0 ? failWith(configDir, problems) : data
}

/** @param isWhole could everything be read? Else files are looked at one by one only. */
const problemsOf = (data: CatalogData, templates: readonly KindTemplate[], isWhole: boolean): string[] => {
  const { files, kinds, languages } = data
  const byItself = files.flatMap((file) => fileProblems(file, kinds.get(file.key)))
  if (!isWhole) return byItself
  const beside = (file: TemplateFile) => ({
    files,
    kind: kinds.get(file.key),
    examples: languages.get(file.language)?.examples,
  })
  return [...dataProblems(data, templates), ...byItself, ...files.flatMap((file) => disagreements(file, beside(file)))]
}

const dataProblems = ({ languages, lifetimes, files }: CatalogData, templates: readonly KindTemplate[]): string[] => {
  const reasons = templates.map(({ reason }) => reason)
  return [
    ...(languages.has('en') ? [] : ['languages/en.yaml is absent']),
    ...Object.keys(lifetimes)
      .filter((key) => !files.some((file) => file.key === key))
      .map((key) => `lifetimes.yaml: there is no template ${key}`),
    ...reasons.filter((reason, index) => reasons.indexOf(reason) < index).map((reason) => `two kinds tell ${reason}`),
    ...templates
      .filter(({ isNotifiedByDefault, name }) => isNotifiedByDefault && !files.some(({ key }) => key === name))
      .map(({ reason, name }) => `reason ${reason} has no template ${name}.en.hbs`),
  ]
}
