/** How long links work, who opens them without being the customer, and what is said where they lead nowhere. */

import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { z } from 'zod'
import { failWith, readYaml } from '../notifications/reason.ts'

export type LinkPage = 'expired' | 'unknown'

export interface LinkRules {
  readonly lifetimeMs: number
  /** Is the request that of a preview, a prefetch or a scanner, and no click? */
  isPreview(visit: Visit): boolean
  /** @param language e.g. `hi` or `hi-IN`; English where there is nothing in it */
  pageText(page: LinkPage, language: string): { readonly language: string; readonly text: string }
}

/** A request for a link. */
export interface Visit {
  readonly method: string
  readonly headers: IncomingHttpHeaders
}

const page = z.strictObject({ expired: z.string().min(1), unknown: z.string().min(1) })
const schema = z.strictObject({
  lifetimeDays: z.int().min(1).max(3_650),
  previews: z.strictObject({
    userAgents: z.array(z.string().min(1)),
    headers: z.record(z.string().regex(/^[a-z-]+$/, 'must be lower case'), z.array(z.string().min(1)).min(1)),
  }),
  pages: z.record(z.string(), page).and(z.object({ en: page })),
})

const dayMs = 86_400_000

/**
 * Reads `links.yaml` of the configuration folder.
 * @throws {Error} that names every problem in it
 */
export function loadLinkRules(configDir: string): LinkRules {
  const path = join(configDir, 'links.yaml')
  const { lifetimeDays, previews, pages } = readYaml(path, schema)
  const userAgents = previews.userAgents.map((source) => compile(path, source))
  const headers = Object.entries(previews.headers)
  return {
    lifetimeMs: lifetimeDays * dayMs,
    isPreview: (visit) =>
      visit.method === 'HEAD' ||
      userAgents.some((pattern) => pattern.test(textOf(visit, 'user-agent'))) ||
      headers.some(([name, values]) => values.some((value) => wordsOf(textOf(visit, name)).includes(value))),
    pageText(name, asked) {
      const language = [asked, asked.split(/[-_]/)[0] ?? ''].find((known) => Object.hasOwn(pages, known)) ?? 'en'
      return { language, text: (pages[language] ?? pages.en)[name] }
    },
  }
}

function compile(path: string, source: string): RegExp {
  try {
    return new RegExp(source, 'i')
  } catch {
    return failWith(path, [`previews.userAgents: ${source} is no regular expression`])
  }
}

/** Longer ones are not searched to their end. */
const searchedCharacters = 500

const textOf = ({ headers }: Visit, name: string): string => {
  const value = headers[name]
  return (Array.isArray(value) ? value.join(', ') : (value ?? '')).slice(0, searchedCharacters)
}

/** `prefetch;prerender` is two words (https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header). */
const wordsOf = (text: string): string[] => text.toLowerCase().split(/[\s,;]+/)
