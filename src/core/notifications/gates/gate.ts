/** What may turn a message away while it is being written: each gate looks once for a whole group. */

import type { Database, Executor } from '../../storage/database.ts'
import type { SendDecision } from '../decision.ts'

/** Why nothing is sent, as the message tells it. */
export interface Refusal {
  readonly code: string
  readonly detail?: string
}

export interface Gate {
  /**
   * Looks in the transaction that writes the messages.
   * @returns what speaks against each of them, in their order
   */
  refuse(tx: Executor, messages: readonly SendDecision[]): Promise<readonly (Refusal | undefined)[]>
  /** Told in the same transaction which of those that all gates let pass are really new, once they are written. */
  written?(tx: Executor, messages: readonly SendDecision[]): Promise<void>
  /**
   * Looks again once they are written, before calls begin: what another replica wrote meanwhile was not seen.
   * @returns whether each of them must be left to its claim, in their order
   */
  isOvertaken?(database: Database, messages: readonly SendDecision[]): Promise<readonly boolean[]>
}

/** The first refusal of each message; a gate is not asked about what an earlier one turned away. */
export async function passGates(
  gates: readonly Gate[],
  tx: Executor,
  messages: readonly SendDecision[],
): Promise<ReadonlyMap<SendDecision, Refusal>> {
  const refused = new Map<SendDecision, Refusal>()
  for (const gate of gates) {
    const left = messages.filter((message) => !refused.has(message))
    if (left.length === 0) break
    const refusals = await gate.refuse(tx, left)
    for (const [index, message] of left.entries()) {
      const refusal = refusals[index]
      if (refusal) refused.set(message, refusal)
    }
  }
  return refused
}

/** Messages whose calls must not begin. Where that cannot be read it is left to the claim. */
export async function overtaken(
  gates: readonly Gate[],
  database: Database,
  messages: readonly SendDecision[],
): Promise<ReadonlySet<SendDecision>> {
  if (messages.length === 0) return new Set()
  const looks = gates.flatMap((gate) => gate.isOvertaken?.(database, messages) ?? [])
  const found = await Promise.all(looks).catch(() => [messages.map(() => true)])
  return new Set(messages.filter((_, index) => found.some((isOvertaken) => isOvertaken[index])))
}
