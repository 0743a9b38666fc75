/** How the provider lies during a run: what it does to a message, drawn anew for each request. */

import type { Rule } from '../../src/providers/simulator/inputs.ts'
import type { Simulator } from '../../src/providers/simulator/simulator.ts'

/** Reports that come when the lease of a killed sender is over: only patience keeps such a message from going twice. */
const afterLeaseMs = 100_000

const webhooks = { duplicates: 1, shuffle: true }

/** Each probability is of what the rules before it left over. */
const lies: readonly Rule[] = [
  { probability: 0.03, answer: 'reset', webhooks },
  { probability: 0.02, answer: 'bad_gateway', webhooks: { ...webhooks, beforeAnswer: true } },
  { probability: 0.01, answer: 'bad_gateway', accept: false },
  { probability: 0.01, error: { http: 500, code: 131000 } },
  { probability: 0.005, error: { http: 429, code: 130429 } },
  { probability: 0.5, delayMs: 50, webhooks: { ...webhooks, beforeAnswer: true } },
  { delayMs: 200, webhooks: { shuffle: true } },
]

const late: Rule = { probability: 0.1, delayMs: 200, webhooks: { ...webhooks, delaysMs: { sent: afterLeaseMs } } }

/** @param isLate whether some reports come late; once nobody is killed any more they prove nothing */
export function tellLies(provider: Simulator, isLate: boolean): void {
  provider.clearRules()
  for (const lie of isLate ? [late, ...lies] : lies) provider.addRule(lie)
}
