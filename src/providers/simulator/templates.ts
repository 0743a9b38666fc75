/** What a template asks for: variables, buttons and the text that a customer reads. */

import type { Template, TemplateButton, TemplateComponent } from './inputs.ts'

const variablePattern = /\{\{\s*([A-Za-z0-9_]+)\s*\}\}/g

/** The distinct variables of a text, in order of first use. */
export const variablesOf = (text: string): string[] => [
  ...new Set(Array.from(text.matchAll(variablePattern), (match) => match[1] ?? '')),
]

/** Puts values in place of the variables; what has no value stays as it is. */
export const fill = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(variablePattern, (whole, name: string) => values[name] ?? whole)

export const componentOf = (template: Template, type: string): TemplateComponent | undefined =>
  template.components.find((component) => component.type.toUpperCase() === type)

export const buttonsOf = (template: Template): readonly TemplateButton[] =>
  componentOf(template, 'BUTTONS')?.buttons ?? []

export const isNamed = (template: Template): boolean => template.parameter_format === 'NAMED'
