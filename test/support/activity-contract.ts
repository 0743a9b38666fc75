/** What holds for every activity event of every test: its schema, how it is published, and numbers without a gap. */

import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { GetMessage } from 'amqplib'
import { expect } from 'chai'
import { asyncApi } from '../../scripts/docs/asyncapi.ts'
import { routingKey } from '../../src/consumers/activity-publisher.ts'
import type { Database } from '../../src/core/storage/database.ts'
import { schemaErrors } from './schema-errors.ts'

/** As AsyncAPI refers to it. */
export const activitySchema = JSON.parse(
  readFileSync(new URL('../../docs/schemas/activity-event.schema.json', import.meta.url), 'utf8'),
) as { readonly $id: string }
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false })
const validate = ajv.compile(activitySchema)

/** What is wrong with an event in its consumers' eyes; empty when nothing is. */
export const contractErrors = (event: unknown): string[] => schemaErrors(validate, event)

const { channels, components, defaultContentType } = asyncApi()
const { address, parameters } = channels.activity
const steps: readonly string[] = parameters.step.enum
const keys: ReadonlySet<string> = new Set(steps.map((step) => address.replace('{step}', step)))
const validateHeaders = ajv.compile(components.messages.activity.headers)

type Published = Pick<GetMessage, 'content' | 'fields' | 'properties'>

interface PublishedEvent {
  readonly eventSubType?: string
  readonly response_data?: Readonly<Record<string, unknown>>
}

/** What is wrong with a message of the exchange `activity.events` by AsyncAPI; empty when nothing is. */
export function publishedErrors({ content, fields: { routingKey: key }, properties }: Published): string[] {
  const event = JSON.parse(content.toString('utf8')) as PublishedEvent
  const { eventSubType = '', response_data: data = {} } = event
  const { headers = {}, messageId, contentType } = properties
  const isNumberedAlike = headers.conversationId === data.conversationId && headers.sequence === data.sequence
  return [
    ...(keys.has(key) ? [] : [`the routing key ${key} is no address of the channel`]),
    ...(key === routingKey(eventSubType) ? [] : [`the routing key ${key} is that of another step`]),
    ...(contentType === defaultContentType ? [] : [`the content type is ${contentType}`]),
    ...(messageId ? [] : ['the messageId is missing, by which repeats are dropped']),
    ...schemaErrors(validateHeaders, headers).map((error) => `headers: ${error}`),
    ...(isNumberedAlike ? [] : ['headers: conversationId and sequence are not those of the event']),
    ...contractErrors(event),
  ]
}

/** @throws {Error} that says where a published event differs from what `docs/asyncapi.yaml` announces */
export function checkPublished(message: Published): void {
  const errors = publishedErrors(message)
  if (errors.length === 0) return
  const { fields, content } = message
  throw new Error(
    `${fields.routingKey} was published otherwise than docs/asyncapi.yaml says: ${errors.join('; ')}\n${content.toString('utf8')}`,
  )
}

interface WrittenEvent {
  readonly payload: string
  readonly root: number | null
  readonly sequence: number | null
}

/** Looks at all that was written in a test. */
export async function checkActivity(database: Database): Promise<void> {
  const events = await database.select<WrittenEvent>(
    'SELECT payload, root_outgoing_message_id AS root, sequence FROM activity_events ORDER BY id',
  )
  for (const { payload } of events) expect(contractErrors(JSON.parse(payload)), payload).to.deep.equal([])
  for (const [root, numbers] of numbersByRoot(events)) {
    expect(numbers, `conversation ${root}`).to.deep.equal(numbers.map((_, index) => index + 1))
  }
}

function numbersByRoot(events: readonly WrittenEvent[]): Map<number, (number | null)[]> {
  const numbers = new Map<number, (number | null)[]>()
  for (const { root, sequence } of events) {
    if (root !== null) numbers.set(Number(root), [...(numbers.get(Number(root)) ?? []), sequence])
  }
  return numbers
}
