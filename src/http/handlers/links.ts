/** Links of ours that customers open: to the portal, or to a page that says why not. */

import type { LinkPage, LinkRules } from '../../core/links/link-rules.ts'
import type { TrackedLinks } from '../../core/links/tracked-links.ts'
import type { Reply, RequestFacts } from '../route.ts'

export interface LinkHandlerDeps {
  readonly links: Pick<TrackedLinks, 'open'>
  readonly rules: Pick<LinkRules, 'pageText'>
}

export const createLinkHandlers = ({ links, rules }: LinkHandlerDeps) => ({
  async follow({ method, params, headers }: RequestFacts): Promise<Reply> {
    const opened = await links.open(params.token ?? '', { method, headers })
    switch (opened.outcome) {
      case 'redirect':
        return { status: 302, headers: { ...shared, location: opened.url } }
      case 'expired':
        return page(rules, 410, 'expired', opened.language)
      case 'unknown':
        return page(rules, 404, 'unknown', headers['accept-language'] ?? '')
    }
  },
})

/** Neither caches nor the portal learn of the token, nor do search engines. */
const shared = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-robots-tag': 'noindex, nofollow' }

/** @param asked a language, or the header `Accept-Language` */
function page(rules: LinkHandlerDeps['rules'], status: number, name: LinkPage, asked: string): Reply {
  const { language, text } = rules.pageText(name, asked.split(/[,;]/)[0]?.trim() ?? '')
  const body = `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>${status}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head><body><p>${escapeHtml(text)}</p></body></html>`
  const headers = {
    ...shared,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  }
  return { status, body, headers }
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
