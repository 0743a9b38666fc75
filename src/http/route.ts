/** What a row of the route table consists of, and what its handler gets and gives. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { z } from 'zod'

/** Who may call: `admin` holds the administrator's key; `provider` proves itself inside the handler, by signature. */
export type Auth = 'admin' | 'provider' | 'public'

export interface RequestFacts<Body = unknown, Query = Record<string, string>> {
  readonly method: string
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly headers: IncomingHttpHeaders
  /** The validated body, or the raw bytes where the table says `raw`. */
  readonly body: Body
}

export interface Reply {
  readonly status: number
  /** An object is sent as JSON, a string as plain text, a stream as it is. */
  readonly body?: object | string | Readable
  readonly headers?: Readonly<Record<string, string>>
}

export interface Route {
  readonly method: 'get' | 'post' | 'put' | 'patch'
  readonly path: string
  readonly auth: Auth
  /** Validates the query; absent = the query is ignored. */
  readonly query?: z.ZodType
  /** Validates the JSON body; `raw` = bytes as received; absent = no body is read. */
  readonly body?: z.ZodType | 'raw'
  readonly maxBytes?: number
  /** Requests per second that this process answers; more are asked to come again. */
  readonly perSecond?: number
  /** Throws before a body is read that nobody is there for. */
  readonly admit?: (params: Readonly<Record<string, string>>) => Promise<void>
  // Each handler names the types that its own row's schemas produce.
  readonly handler: (request: RequestFacts<never, never>) => Promise<Reply>
}
