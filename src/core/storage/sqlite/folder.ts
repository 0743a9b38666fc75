/** Where the file of an embedded database lies. */

import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { NoFolderError } from '../database-errors.ts'

/**
 * The folder is made, so that a first start needs nothing. Of other databases there is none.
 * @throws {NoFolderError} where it cannot be made
 */
export function makeFolder(url: string): void {
  if (!url.startsWith('sqlite:') || url.includes(':memory:')) return
  try {
    mkdirSync(dirname(url.slice('sqlite:'.length)), { recursive: true })
  } catch (error) {
    throw new NoFolderError((error as Error).message)
  }
}
