import type { z } from 'zod'
import { HttpProblem } from '../problem.ts'

/** @throws {HttpProblem} 400 that names every problem by its path */
export function validate<S extends z.ZodType>(schema: S, value: unknown, where: 'body' | 'query'): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = result.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }))
  throw new HttpProblem(400, `the ${where} is not valid`, { errors })
}

/** Reads an id of a path; undefined for what cannot be one, also where a number could be read from it. */
export const rowId = (text: string | undefined): number | undefined =>
  /^\d{1,15}$/.test(text ?? '') ? Number(text) : undefined

/** @throws {HttpProblem} 400 when the bytes are not JSON */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new HttpProblem(400, 'the body is not JSON')
  }
}
