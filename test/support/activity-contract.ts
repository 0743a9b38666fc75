/** What holds for every activity event of every test: the consumers' schema, and numbers without a gap. */

import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'chai'
import type { Database } from '../../src/core/storage/database.ts'

const schema = JSON.parse(
  readFileSync(new URL('../../docs/schemas/activity-event.schema.json', import.meta.url), 'utf8'),
) as object
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false })
const validate = ajv.compile(schema)

/** What is wrong with an event in its consumers' eyes; empty when nothing is. */
export function contractErrors(event: unknown): string[] {
  if (validate(event)) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
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
