/** HTTP as the simulator's handlers see it. */

import type { IncomingHttpHeaders } from 'node:http'
import { type GraphProblem, graphErrorBody, httpStatusOf } from './graph-errors.ts'

export interface Call {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The address under which the caller reaches us, e.g. `http://127.0.0.1:9090`. */
  readonly base: string
}

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** What the judge's record says of it; default `ok` or the status. */
  readonly verdict?: string
}

/** An answer, or what a caller meets instead of one. */
export type Outcome = Answer | { readonly instead: 'hang' | 'reset'; readonly verdict: string }

export const json = (status: number, body: unknown): Answer => ({
  status,
  type: 'application/json; charset=UTF-8',
  body: JSON.stringify(body),
})

export const html = (status: number, body: string): Answer => ({ status, type: 'text/html; charset=utf-8', body })

/** The page of a proxy that stands before the service. */
export const proxyPage = (status: number): Answer =>
  html(status, `<html><head><title>${status}</title></head><body><h1>${status}</h1></body></html>`)

/** A refused Graph API call. */
export const refused = (found: GraphProblem): Answer => ({
  ...json(httpStatusOf(found), graphErrorBody(found)),
  verdict: `refused ${found.code}`,
})
