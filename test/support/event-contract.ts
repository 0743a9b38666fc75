/** What holds for every event that a test posts and that leads to a message: it is one that `docs/asyncapi.yaml` announces. */

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { eventSchemaOf } from '../../scripts/docs/asyncapi.ts'
import type { NotificationKind } from '../../src/core/notifications/kinds/kind.ts'
import { kinds } from '../../src/core/notifications/kinds/kinds.ts'
import { schemaErrors } from './schema-errors.ts'

const ajv = new Ajv2020({ allErrors: true, strict: false })

const validators = new Map<NotificationKind, ValidateFunction>(
  kinds.flatMap((kind) => {
    const schema = eventSchemaOf(kind)
    return schema ? [[kind, ajv.compile(schema)]] : []
  }),
)

/** What is wrong with an event by the schema of its kind; empty when nothing is, or no kind knows it. */
export function eventErrors(event: unknown): string[] {
  const kind = kinds.find((candidate) => candidate.recognises(event))
  const validate = kind && validators.get(kind)
  return validate ? schemaErrors(validate, event) : []
}

/**
 * @param body the event as it was posted
 * @throws {Error} for an event that was taken and is not as its schema says
 */
export function checkEvent(body: string | Buffer, answer: string): void {
  if (!answer.includes('"outcome":"queued"')) return
  const errors = eventErrors(JSON.parse(body.toString()))
  if (errors.length > 0)
    throw new Error(`POST /v1/events took what docs/asyncapi.yaml does not announce: ${errors.join('; ')}`)
}
