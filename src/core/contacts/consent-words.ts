/** Words by which customers stop and start messages, as data (`config/consent-words.yaml`). */

import { join } from 'node:path'
import { z } from 'zod'
import { failWith, readYaml } from '../notifications/reason.ts'

export type ConsentWord = 'stop' | 'start'

/** What a whole message means; undefined for anything else. */
export type ReadConsentWord = (text: string) => ConsentWord | undefined

const words = z.record(z.string().min(2).max(16), z.array(z.string().trim().min(1).max(64)))
const fileSchema = z.strictObject({ stop: words, start: words })

/** Longer messages say more than one of the words. */
const longestMessage = 200

/**
 * Reads `consent-words.yaml` of the configuration folder.
 * @throws {Error} that names every problem in it
 */
export function loadConsentWords(configDir: string): ReadConsentWord {
  const path = join(configDir, 'consent-words.yaml')
  const written = readYaml(path, fileSchema)
  const [stop, start] = [allOf(written.stop), allOf(written.start)]
  const problems = [
    ...[...stop].filter((word) => start.has(word)).map((word) => `"${word}" cannot both stop and start`),
    ...(stop.has('') || start.has('') ? ['a word has no letters'] : []),
  ]
  if (problems.length > 0) failWith(path, problems)
  return (text) => {
    const word = text.length > longestMessage ? '' : bare(text)
    if (stop.has(word)) return 'stop'
    return start.has(word) ? 'start' : undefined
  }
}

const allOf = (byLanguage: Readonly<Record<string, readonly string[]>>): ReadonlySet<string> =>
  new Set(Object.values(byLanguage).flat().map(bare))

/** Letters alone, as every keyboard and every case writes them; vowel signs are letters. */
const bare = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    // Turkish has an I with and one without a dot, in both cases.
    .replace(/ı/g, 'i')
    // The dot that stays of its capital one, variation selectors of emoji, invisible marks.
    .replace(/[\u0307\u{fe00}-\u{fe0f}\p{Cf}]/gu, '')
    .replace(/[\p{P}\p{S}\s]+/gu, ' ')
    .trim()
