/** Makes a provider of docs/copy-me: its folder and its contract samples, under names of its own. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { NameError, type ProviderNames } from './names.ts'

export const modelFolder = 'docs/copy-me'

/** Where each file of the model goes. */
const placeOf = (file: string, { id }: ProviderNames): string =>
  file === 'samples.ts' ? `test/contract/samples/${id}.ts` : `src/providers/${id}/${file}`

/**
 * Writes the files of a new provider and gives their paths.
 * @param root of the repository
 * @throws {NameError} when something of that name is there; nothing is written then
 */
export function generateProvider(root: string, names: ProviderNames): string[] {
  const files = readdirSync(join(root, modelFolder)).sort()
  const places = files.map((file) => placeOf(file, names))
  const taken = [`src/providers/${names.id}`, ...places].find((path) => existsSync(join(root, path)))
  if (taken) throw new NameError(`there is already ${taken}`)
  for (const [index, place] of places.entries()) {
    const text = readFileSync(join(root, modelFolder, files[index] ?? ''), 'utf8')
    mkdirSync(dirname(join(root, place)), { recursive: true })
    writeFileSync(join(root, place), renamed(moved(text, place), names), { flag: 'wx' })
  }
  return places
}

/** Imports as they are from the new place. */
const moved = (text: string, place: string): string =>
  place.startsWith('test/')
    ? text.replaceAll("'../../test/contract/samples/", "'./").replaceAll("'../../src/", "'../../../src/")
    : text.replaceAll("'../../src/providers/", "'../").replaceAll("'../../src/", "'../../")

const renamed = (text: string, { id, name, exportName, typeName, variablePrefix }: ProviderNames): string =>
  text
    .replaceAll('Copy Me', name)
    .replaceAll('COPY_ME', variablePrefix)
    .replaceAll('CopyMe', typeName)
    .replaceAll('copyMe', exportName)
    .replaceAll('copy-me', id)
