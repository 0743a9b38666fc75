/** What the API is, for programs and for people. */

import { docsPage, docsPolicy } from '../openapi/docs-page.ts'
import { openApiOf } from '../openapi/document.ts'
import type { Reply, Route } from '../route.ts'

/** @param routes the whole table, asked for once it is there */
export function createDescriptionHandlers(routes: () => readonly Route[]) {
  let made: string | undefined
  const document = (): string => {
    made ??= JSON.stringify(openApiOf(routes()))
    return made
  }
  return {
    openApi: async (): Promise<Reply> => ({
      status: 200,
      body: document(),
      headers: { 'content-type': 'application/json; charset=utf-8' },
    }),
    page: async (): Promise<Reply> => ({
      status: 200,
      body: docsPage,
      headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': docsPolicy },
    }),
  }
}
