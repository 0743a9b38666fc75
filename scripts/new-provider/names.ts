/** The names that a provider goes by in code, all made from its id. */

import { Script } from 'node:vm'

export interface ProviderNames {
  /** As in the API and the database, e.g. `acme-chat`. */
  readonly id: string
  /** For people, e.g. `Acme Chat`. */
  readonly name: string
  /** Of the definition, e.g. `acmeChat`. */
  readonly exportName: string
  /** Of types and functions, e.g. `AcmeChat`. */
  readonly typeName: string
  /** Start of environment variables, e.g. `ACME_CHAT`. */
  readonly variablePrefix: string
}

/** No such provider can be made; the message says why. */
export class NameError extends Error {
  override readonly name = 'NameError'
}

/** Column `provider` holds 32 characters. */
const ids = /^(?=.{2,32}$)[a-z0-9]+(-[a-z0-9]+)*$/
/** What can stand in code, Markdown and sentences without a thought. */
const displayNames = /^[\p{L}\p{N}][\p{L}\p{N} .&()+-]{0,63}$/u

/** @throws {NameError} */
export function namesOf(id: string, name: string): ProviderNames {
  if (!ids.test(id))
    throw new NameError(`"${id}" is no id: 2 to 32 small letters and digits, words joined by single hyphens`)
  if (!displayNames.test(name))
    throw new NameError(
      `"${name}" is no name: up to 64 letters, digits, spaces and . & ( ) + -, a letter or digit first`,
    )
  const exportName = exportNameOf(id)
  return {
    id,
    name,
    exportName,
    typeName: exportName.charAt(0).toUpperCase() + exportName.slice(1),
    variablePrefix: exportName.replaceAll(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase(),
  }
}

/** Digits in front, with which no name in code can begin, go to the end: `360dialog` -> `dialog360`. */
function exportNameOf(id: string): string {
  const [, digits = '', words = ''] = /^([0-9-]*)(.*)$/.exec(id) ?? []
  const name =
    words.replaceAll(/-([a-z0-9])/g, (_hyphen, first: string) => first.toUpperCase()) + digits.replaceAll('-', '')
  if (words === '' || !isIdentifier(name)) throw new NameError(`"${id}" is no id: no name in code can be made of it`)
  return name
}

/** Neither a word of the language nor one that it keeps for itself. */
function isIdentifier(name: string): boolean {
  try {
    return new Script(`'use strict'; async () => { const ${name} = 0 }`) !== undefined
  } catch {
    return false
  }
}
