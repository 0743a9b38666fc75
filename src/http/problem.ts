/** Errors that callers see, as problem+json (RFC 9457). */

import type { FieldError } from '../core/accounts/credential-fields.ts'
import type { OwnedThing } from '../core/accounts/owners.ts'

export type { FieldError }

/** Thrown by steps and handlers; anything else that is thrown is answered as an internal error without detail. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>

  constructor(
    status: number,
    detail: string,
    extra: { errors?: readonly FieldError[] } & Record<string, unknown> = {},
  ) {
    super(detail)
    this.status = status
    this.body = { type: 'about:blank', title: titles[status] ?? 'Error', status, detail, ...extra }
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** What the API names by an id. */
type Thing = OwnedThing | 'account' | 'channel' | 'contact' | 'webhook'

/** The same words whether it does not exist or is somebody else's. */
export const notFound = (what: Thing): HttpProblem => new HttpProblem(404, `there is no such ${what}`)
