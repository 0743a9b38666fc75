/** A customer opens a link in a browser. */

import { request } from 'undici'

const maxRedirects = 5

export interface OpenedPage {
  readonly url: string
  /** Absent when nobody answered. */
  readonly status?: number
}

/** Opens a page and follows its redirects; tells each address and its answer. */
export async function openLink(url: string): Promise<OpenedPage[]> {
  const pages: OpenedPage[] = []
  let next: string | undefined = url
  while (next !== undefined && pages.length <= maxRedirects) {
    const { location, ...page } = await open(next)
    pages.push(page)
    next = location
  }
  return pages
}

async function open(url: string): Promise<OpenedPage & { location?: string }> {
  try {
    const { statusCode: status, headers, body } = await request(url, { headersTimeout: 5_000 })
    await body.dump()
    const isRedirect = status >= 300 && status < 400 && typeof headers.location === 'string'
    return { url, status, ...(isRedirect ? { location: new URL(String(headers.location), url).href } : {}) }
  } catch {
    return { url }
  }
}
