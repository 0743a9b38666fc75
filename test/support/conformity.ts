/**
 * What holds for every answer of every test: it is one that `/openapi.json` announces, has no field more or less, and
 * each activity event in it is as its consumers expect.
 */

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { openApiOf } from '../../src/http/openapi/document.ts'
import { activitySchema } from './activity-contract.ts'
import { routeTable } from './route-table.ts'
import { schemaErrors } from './schema-errors.ts'

export interface SeenAnswer {
  readonly status: number
  /** The header `content-type`; undefined where there is none. */
  readonly type: string | undefined
  readonly text: string
}

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>
}

interface Content {
  readonly schema: { readonly $ref?: string }
}

const { paths, components } = openApiOf(routeTable)
const { ActivityEvent = {}, ...schemas } = components.schemas
// Of these the document refers readers to the schema of the consumers.
const strictEvent = { allOf: [ActivityEvent, { $ref: activitySchema.$id }] }
// Formats are said by patterns as well.
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true, inlineRefs: false })
ajv.addSchema(activitySchema)
ajv.addSchema({ paths, components: { schemas: { ...schemas, ActivityEvent: strictEvent } } }, 'openapi')

const escaped = (name: string): string => encodeURIComponent(name.replace(/~/g, '~0').replace(/\//g, '~1'))
const validators = new Map<string, ValidateFunction>()

const pointerTo = (...place: readonly string[]): string => `#/${place.map(escaped).join('/')}`

/** Most places refer to a schema that has a name, which is compiled once for all of them. */
function validatorAt(pointer: string): ValidateFunction {
  const found = validators.get(pointer) ?? ajv.compile({ $ref: `openapi${pointer}` })
  validators.set(pointer, found)
  return found
}

const problemJson = 'application/problem+json'
const isJson = (type: string): boolean => type === 'application/json' || type === problemJson

const segments = (path: string): string[] => path.split('/')

/** Words before parameters: `/v1/messages/bulk` is no message's id. */
const parametersIn = (path: string): number => path.split('{').length
const described = Object.keys(paths).sort((a, b) => parametersIn(a) - parametersIn(b))

const fits = (path: string, asked: readonly string[]): boolean => {
  const parts = segments(path)
  return (
    parts.length === asked.length && parts.every((part, at) => (part.startsWith('{') ? asked[at] : part === asked[at]))
  )
}

interface Described {
  readonly path: string
  readonly method: string
  readonly operation: Operation
}

function operationOf(method: string, url: string): Described | undefined {
  const name = method === 'HEAD' ? 'get' : method.toLowerCase()
  // The router takes a slash at the end as well.
  const asked = segments(pathIn(url).replace(/\/$/, ''))
  for (const path of described) {
    const operation = fits(path, asked) ? paths[path]?.[name] : undefined
    if (operation) return { path, method: name, operation: operation as unknown as Operation }
  }
  return undefined
}

const pathIn = (url: string): string => url.split('?')[0] ?? ''

/** What is wrong with an answer by the documents; empty when nothing is. */
export function answerErrors(method: string, url: string, answer: SeenAnswer): string[] {
  const asked = operationOf(method, url)
  if (!asked) return strangerErrors(answer, method === 'HEAD')
  const announced = asked.operation.responses[answer.status]
  if (!announced) return [`the status ${answer.status} is not announced`]
  const { content } = announced
  if (!content || method === 'HEAD') return answer.text === '' ? [] : ['a body is not announced']
  const type = mediaType(answer)
  if (!content[type]) return [`the content type ${type || '(none)'} is not announced`]
  return isJson(type) ? bodyErrors(validatorOf(asked, String(answer.status), type), answer.text) : []
}

function validatorOf({ path, method, operation }: Described, status: string, type: string): ValidateFunction {
  const { $ref } = operation.responses[status]?.content?.[type]?.schema ?? {}
  return validatorAt($ref ?? pointerTo('paths', path, method, 'responses', status, 'content', type, 'schema'))
}

/** Before the first test: compiling in the middle of one would hold up a gateway that lives in the same process. */
function compileAll(): void {
  for (const path of described) {
    for (const [method, operation] of Object.entries(paths[path] ?? {}) as unknown as [string, Operation][]) {
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        for (const type of Object.keys(content).filter(isJson)) validatorOf({ path, method, operation }, status, type)
      }
    }
  }
}
compileAll()

const mediaType = ({ type }: SeenAnswer): string => type?.split(';')[0] ?? ''

/** Of what the document does not have, the error that says so. */
function strangerErrors(answer: SeenAnswer, isHead: boolean): string[] {
  if (answer.status !== 404) return ['the document has no such route']
  const type = mediaType(answer)
  if (type !== problemJson) return [`the content type ${type || '(none)'} is not announced`]
  return isHead ? [] : bodyErrors(validatorAt(pointerTo('components', 'schemas', 'Problem')), answer.text)
}

function bodyErrors(validate: ValidateFunction, text: string): string[] {
  try {
    return schemaErrors(validate, JSON.parse(text))
  } catch (error) {
    return [`the body is no JSON: ${String(error)}`]
  }
}

/** The gateway said what its documents do not announce; whoever bears that it cannot be reached does not bear this. */
export class NotAnnounced extends Error {
  override readonly name = 'NotAnnounced'
}

/** @throws {NotAnnounced} that says where an answer differs from what the documents announce */
export function checkAnswer(method: string, url: string, answer: SeenAnswer): void {
  const errors = answerErrors(method, url, answer)
  if (errors.length === 0) return
  const route = `${method} ${operationOf(method, url)?.path ?? pathIn(url)}`
  throw new NotAnnounced(
    `${route} answered ${answer.status} otherwise than /openapi.json says: ${errors.join('; ')}\n${url}\n${answer.text.slice(0, 2_000)}`,
  )
}

/** @throws {NotAnnounced} for an item of the live stream, of which the document says no more than that it is text */
export function checkStreamed(item: unknown): void {
  const errors = schemaErrors(validatorAt(pointerTo('components', 'schemas', 'ActivityItem')), item)
  if (errors.length === 0) return
  throw new NotAnnounced(
    `GET /v1/activity/stream told otherwise than a page does: ${errors.join('; ')}\n${JSON.stringify(item)}`,
  )
}
