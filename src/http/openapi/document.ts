/** OpenAPI 3.1 of the route table: from the very schemas that validate. */

import { z } from 'zod'
import { problem } from '../answers/parts.ts'
import type { Route } from '../route.ts'
import { nameOf, type Operation, operationOf } from './operations.ts'

export type Json = Readonly<Record<string, unknown>>

export interface OpenApi {
  readonly openapi: '3.1.0'
  readonly info: Json
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly securitySchemes: Json }
}

const info = {
  title: 'fdr-gateway',
  version: '1',
  description: 'Notifications by WhatsApp: events in, messages out, what became of them. Ids are text.',
}

const bearer = {
  type: 'http',
  scheme: 'bearer',
  description: "The administrator's key, or that of a client: it sees one account and may do what its scopes say.",
}

/** @throws {Error} for a route that nobody described */
export function openApiOf(routes: readonly Route[]): OpenApi {
  const schemas = createSchemas()
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method]: operationObject(route, schemas) }
  }
  return {
    openapi: '3.1.0',
    info,
    paths,
    components: { schemas: schemas.shared, securitySchemes: { bearer } },
  }
}

interface Schemas {
  /** Schemas that have a name, by it. */
  readonly shared: Record<string, Json>
  of(schema: z.ZodType, io: 'input' | 'output'): Json
}

function createSchemas(): Schemas {
  const shared: Record<string, Json> = {}
  return {
    shared,
    of(schema, io) {
      const made = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' })
      const {
        $schema: _,
        $defs = {},
        ...own
      } = JSON.parse(JSON.stringify(made).replaceAll('"#/$defs/', '"#/components/schemas/')) as Record<
        string,
        unknown
      > & { $defs?: Record<string, Json> }
      Object.assign(shared, $defs)
      return own
    },
  }
}

function operationObject(route: Route, schemas: Schemas): Json {
  const operation = operationOf(route)
  if (!operation) throw new Error(`nobody described ${nameOf(route)}`)
  const parameters = [...pathParameters(route), ...queryParameters(route, schemas), ...headerParameters(operation)]
  return {
    summary: operation.summary,
    tags: [tagOf(route)],
    ...(isKeyed(route) ? { security: [{ bearer: [] }], description: accessOf(route) } : { security: [] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...bodyOf(route, operation, schemas),
    responses: { ...answersOf(operation, schemas), ...errorsOf(route, operation, schemas) },
  }
}

const isKeyed = ({ auth }: Route): boolean => auth !== 'public' && auth !== 'provider'

const accessOf = ({ auth, tenant }: Route): string => {
  if (auth === 'admin') return 'For the administrator alone.'
  return `Scope \`${auth}\`. ${tenant === 'shared' ? 'The same for every account.' : 'Clients: their own account only.'}`
}

/** `/v1/messages/{id}` -> `messages` */
const tagOf = ({ path }: Route): string => /^\/(?:v1\/)?([\w.-]+)/.exec(path)?.[1] ?? 'others'

const pathParameters = ({ path }: Route): Json[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))

function queryParameters({ query }: Route, schemas: Schemas): Json[] {
  if (!query) return []
  const { properties = {}, required = [] } = schemas.of(query, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

const headerParameters = ({ idempotency }: Operation): Json[] =>
  idempotency === undefined
    ? []
    : [
        {
          name: 'Idempotency-Key',
          in: 'header',
          required: idempotency === 'required',
          description: 'The same request under the same key is done once, and answered the same.',
          schema: { type: 'string', minLength: 1, maxLength: 255 },
        },
      ]

function bodyOf({ body }: Route, { takes = {} }: Operation, schemas: Schemas): Json {
  if (body === undefined) return {}
  const taken = body === 'raw' ? takes : { 'application/json': body }
  const content = Object.entries(taken).map(([type, schema]) => [type, { schema: schemas.of(schema, 'input') }])
  return { requestBody: { required: true, content: Object.fromEntries(content) } }
}

function answersOf({ answers }: Operation, schemas: Schemas): Json {
  const content = (answer: z.ZodType | string): [string, Json] =>
    typeof answer === 'string'
      ? [answer, { schema: { type: 'string' } }]
      : ['application/json', { schema: schemas.of(answer, 'output') }]
  return Object.fromEntries(
    answers.map(([status, ...bodies]) => {
      const given = bodies.filter((body) => body !== null)
      const shown = given.length > 0 ? { content: Object.fromEntries(given.map(content)) } : {}
      return [String(status), { description: status < 400 ? 'Done.' : 'A page that says why not.', ...shown }]
    }),
  )
}

const reasons: Readonly<Record<number, string>> = {
  400: 'The question cannot be understood; nothing was changed.',
  401: 'It is not known who asks.',
  403: 'Whoever asks may not do this.',
  404: 'There is no such thing, or it belongs to another account.',
  409: 'Not in this state.',
  410: 'Done before; the answer was cleared since.',
  413: 'The body is too long.',
  415: 'Compressed bodies are not taken.',
  422: 'Understood, and refused.',
  429: 'Too often; come again after `Retry-After` seconds.',
  503: 'Not now; the same request may succeed later.',
}

function errorsOf(route: Route, operation: Operation, schemas: Schemas): Json {
  const content = { 'application/problem+json': { schema: schemas.of(problem, 'output') } }
  const own = new Set(operation.answers.map(([status]) => status))
  const statuses = [...errorsOfRow(route), ...(operation.refusals ?? [])].filter((status) => !own.has(status))
  return Object.fromEntries(
    [...new Set(statuses)].sort().map((status) => [String(status), { description: reasons[status], content }]),
  )
}

/** What the steps of the pipeline may answer before a handler is asked. */
function errorsOfRow(route: Route): number[] {
  const { query, body, path, tenant, perSecond, atOnce, auth } = route
  const hasParameters = path.includes(':')
  return [
    ...(query || body || hasParameters ? [400] : []),
    ...(isKeyed(route) ? [401, 403, 429] : []),
    ...(auth === 'provider' ? [401, 403, 404] : []),
    ...(hasParameters || tenant === 'filter' || tenant === 'body' ? [404] : []),
    ...(body ? [413, 415] : []),
    ...(perSecond || atOnce ? [429] : []),
    503,
  ]
}
