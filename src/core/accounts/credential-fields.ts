/** Values that a connection brings, checked by its provider's definition of the fields. */

import type { CredentialField } from '../contract/provider.ts'

export interface FieldError {
  readonly path: string
  readonly message: string
}

/** What is wrong with named values, by the definition of their fields; each path begins with `path`. */
export function fieldErrors(
  fields: readonly CredentialField[],
  given: Readonly<Record<string, string>>,
  path: string,
  unknown: string,
): FieldError[] {
  const strange = Object.keys(given).filter((name) => !fields.some((field) => field.name === name))
  return [
    ...strange.map((name) => ({ path: `${path}.${name}`, message: unknown })),
    ...fields.flatMap((field) => {
      const value = Object.hasOwn(given, field.name) ? given[field.name] : undefined
      const at = `${path}.${field.name}`
      if (value === undefined) return isNeeded(field, given) ? [{ path: at, message: `is missing: ${field.help}` }] : []
      return field.pattern && !field.pattern.test(value)
        ? [{ path: at, message: `has the wrong form: ${field.help}` }]
        : []
    }),
  ]
}

const isNeeded = ({ required, togetherWith }: CredentialField, given: Readonly<Record<string, string>>): boolean =>
  required || (togetherWith !== undefined && Object.hasOwn(given, togetherWith))
