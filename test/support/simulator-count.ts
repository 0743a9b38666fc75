/** What the simulator itself knows of all messages: what it took, told and was answered, by its own record. */

import { expect } from 'chai'
import type { Simulator } from '../../src/providers/simulator/simulator.ts'

interface Status {
  readonly id: string
  readonly status: string
  readonly errors?: readonly { readonly code: number }[]
  readonly pricing?: { readonly billable: boolean; readonly category: string }
}
interface Message {
  readonly type: string
  readonly context?: { readonly id: string }
}
interface Value {
  readonly statuses?: readonly Status[]
  readonly messages?: readonly Message[]
}

/** Of some messages that the simulator took. */
export interface SimulatorCount {
  readonly accepted: number
  readonly sent: number
  readonly delivered: number
  readonly read: number
  /** Vendor's code -> messages that were taken and failed. */
  readonly failedAfterwards: Readonly<Record<string, number>>
  readonly replied: number
  /** Messages that are to be paid for. */
  readonly billed: number
}

/** What every webhook said that was taken; a webhook that was sent twice says the same twice. */
function toldBy(provider: Simulator): Value[] {
  const taken = provider.webhooks().filter(({ status }) => status === 200)
  return taken.flatMap(({ body }) => {
    const { entry } = JSON.parse(body ?? '{"entry":[]}') as { entry: { changes: { value: Value }[] }[] }
    return entry.flatMap(({ changes }) => changes.map(({ value }) => value))
  })
}

/** Counts the messages that satisfy a condition. */
export function countOf(
  provider: Simulator,
  isMeant: (message: ReturnType<Simulator['accepted']>[number]) => boolean = () => true,
): SimulatorCount {
  const ids = new Set(provider.accepted().flatMap((message) => (isMeant(message) ? [message.wamid] : [])))
  const told = toldBy(provider)
  const statuses = told.flatMap((value) => value.statuses ?? []).filter(({ id }) => ids.has(id))
  const having = (...names: string[]) =>
    new Set(statuses.filter(({ status }) => names.includes(status)).map(({ id }) => id))
  const delivered = having('delivered', 'read')
  const failed = new Map(statuses.flatMap(({ id, errors }) => (errors?.[0] ? [[id, String(errors[0].code)]] : [])))
  const failedAfterwards: Record<string, number> = {}
  for (const [id, code] of failed) if (!delivered.has(id)) failedAfterwards[code] = (failedAfterwards[code] ?? 0) + 1
  const answered = told.flatMap((value) => value.messages ?? []).flatMap(({ context }) => context?.id ?? [])
  const billed = statuses.filter(({ id, pricing }) => pricing?.billable && delivered.has(id)).map(({ id }) => id)
  return {
    accepted: ids.size,
    sent: having('sent', 'delivered', 'read').size,
    delivered: delivered.size,
    read: having('read').size,
    failedAfterwards,
    replied: new Set(answered.filter((id) => ids.has(id))).size,
    billed: new Set(billed).size,
  }
}

/** Decisions that the courier side took: action -> how many. */
export function decisionsTaken(provider: Simulator): Record<string, number> {
  const counts: Record<string, number> = {}
  const keys = new Set<string>()
  for (const { body } of provider.ndr()) {
    const { action, idempotencyKey } = body as unknown as { action: string; idempotencyKey: string }
    expect(keys.has(idempotencyKey), 'each is told once').to.equal(false)
    keys.add(idempotencyKey)
    counts[action] = (counts[action] ?? 0) + 1
  }
  return counts
}
