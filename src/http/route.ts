/** What a row of the route table consists of, and what its handler gets and gives. */

import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Scope } from '../core/accounts/api-keys.ts'
import type { OwnedThing } from '../core/accounts/owners.ts'
import type { Caller } from './caller.ts'

/**
 * Who may call. A scope: a client whose key has it, and the administrator. `admin`: the administrator alone.
 * `provider` proves itself inside the handler, by signature.
 */
export type Auth = Scope | OpenAuth
type OpenAuth = 'admin' | 'provider' | 'public'

/**
 * How it is known which account a request of a client's is about; the step `check-tenant` does the rest, no handler.
 * - `filter`: the query's `accountId`; the handler always gets the client's own.
 * - `path`, `body`: their `accountId`.
 * - a thing: the path's `id` is that of such a thing, and its row says whose it is.
 * - `shared`: there is nothing of any account in it.
 */
export type Tenant = 'filter' | 'path' | 'body' | 'shared' | OwnedThing

/** A route that clients may call does not compile without its tenant. */
type Access =
  | { readonly auth: OpenAuth; readonly tenant?: undefined }
  | { readonly auth: Scope; readonly tenant: Tenant }

export interface RequestFacts<Body = unknown, Query = Record<string, string>> {
  readonly method: string
  /** For the audit, and for what depends on the key itself; whose data it is about was checked before. */
  readonly caller: Caller
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly headers: IncomingHttpHeaders
  /** The caller's own name of the request, or a new one: in the log and in the answer's `x-correlation-id`. */
  readonly correlationId: string
  /** The validated body, or the raw bytes where the table says `raw`. */
  readonly body: Body
}

export interface Reply {
  readonly status: number
  /** An object is sent as JSON, a string as plain text, a stream as it is. */
  readonly body?: object | string | Readable
  readonly headers?: Readonly<Record<string, string>>
}

export type Route = Access & RouteFacts

interface RouteFacts {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  readonly path: string
  /** Validates the query; absent = the query is ignored. */
  readonly query?: z.ZodType
  /** Validates the JSON body; `raw` = bytes as received; absent = no body is read. */
  readonly body?: z.ZodType | 'raw'
  readonly maxBytes?: number
  /** Fields of the body that a client may not set about its own account. */
  readonly reserved?: readonly string[]
  /** Requests per second that this process answers; more are asked to come again. */
  readonly perSecond?: number
  /** Requests that this process works on at a time, counted before their body is read; more are asked to come again. */
  readonly atOnce?: number
  /** Throws before a body is read that nobody is there for. */
  readonly admit?: (params: Readonly<Record<string, string>>) => Promise<void>
  // Each handler names the types that its own row's schemas produce.
  readonly handler: (request: RequestFacts<never, never>) => Promise<Reply>
}
