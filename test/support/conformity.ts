/** What holds for every answer of every story: it is one that `/openapi.json` announces, and has no field more or less. */

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { openApiOf } from '../../src/http/openapi/document.ts'
import { routeTable } from './route-table.ts'

export interface SeenAnswer {
  readonly status: number
  /** The header `content-type`; undefined where there is none. */
  readonly type: string | undefined
  readonly text: string
}

export const typeOf = (headers: Readonly<Record<string, string | string[] | undefined>>): string | undefined =>
  headers['content-type']?.toString()

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, object>> }>>
}

const document = openApiOf(routeTable)
// Formats are said by patterns as well.
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
ajv.addSchema(document, 'openapi')

const escaped = (name: string): string => encodeURIComponent(name.replace(/~/g, '~0').replace(/\//g, '~1'))
const validators = new Map<string, ValidateFunction>()

function validatorAt(...place: readonly string[]): ValidateFunction {
  const pointer = place.map(escaped).join('/')
  const found = validators.get(pointer) ?? ajv.compile({ $ref: `openapi#/${pointer}/schema` })
  validators.set(pointer, found)
  return found
}

const jsonTypes: ReadonlySet<string> = new Set(['application/json', 'application/problem+json'])

const segments = (path: string): string[] => path.split('/')

/** Words before parameters: `/v1/messages/bulk` is no message's id. */
const parametersIn = (path: string): number => path.split('{').length
const paths = Object.keys(document.paths).sort((a, b) => parametersIn(a) - parametersIn(b))

const fits = (path: string, asked: readonly string[]): boolean => {
  const parts = segments(path)
  return parts.length === asked.length && parts.every((part, at) => part.startsWith('{') || part === asked[at])
}

function pathOf(url: string, method: string): string | undefined {
  // The router takes a slash at the end as well.
  const asked = segments((url.split('?')[0] ?? '').replace(/\/$/, ''))
  return paths.find((path) => fits(path, asked) && document.paths[path]?.[method] !== undefined)
}

/** What is wrong with an answer by the document; empty when nothing is. Of a path that there is not nothing is said. */
export function answerErrors(method: string, url: string, answer: SeenAnswer): string[] {
  const name = method === 'HEAD' ? 'get' : method.toLowerCase()
  const path = pathOf(url, name)
  if (path === undefined) return []
  const operation = document.paths[path]?.[name] as unknown as Operation
  const announced = operation.responses[answer.status]
  if (!announced) return [`${answer.status} is not announced`]
  if (method === 'HEAD') return []
  const { content } = announced
  if (!content) return answer.text === '' ? [] : ['no body is announced']
  const type = answer.type?.split(';')[0] ?? ''
  if (!content[type]) return [`${type} is not announced`]
  if (!jsonTypes.has(type)) return []
  return bodyErrors(validatorAt('paths', path, name, 'responses', String(answer.status), 'content', type), answer.text)
}

function bodyErrors(validate: ValidateFunction, text: string): string[] {
  if (validate(JSON.parse(text))) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

/** @throws {Error} that says where an answer differs from what the document announces */
export function checkAnswer(method: string, url: string, answer: SeenAnswer): void {
  const errors = answerErrors(method, url, answer)
  if (errors.length === 0) return
  throw new Error(
    `${method} ${url} is not answered as /openapi.json says: ${errors.join('; ')}\n${answer.text.slice(0, 2_000)}`,
  )
}
