/** What happens to a message after it was accepted: its statuses are told, and its customer answers. */

import type { Customers } from './customers.ts'
import type { Account, Rule, StatusDelaysMs } from './inputs.ts'
import type { AcceptedMessage } from './ledger.ts'
import type { State } from './state.ts'
import { type PlannedStatus, planStatuses } from './status-plan.ts'
import type { Timers } from './timers.ts'
import { statusPart } from './webhook-bodies.ts'
import type { Webhooks } from './webhooks.ts'

export interface Lifecycle {
  /**
   * Starts it. Resolves at once, but with the lie `beforeAnswer` only when the first status was delivered.
   * @param failCode the message fails with this code instead of being sent
   */
  begin(account: Account, message: AcceptedMessage, lies: Rule['webhooks'], failCode: number | undefined): Promise<void>
}

interface Deps {
  readonly state: State
  readonly webhooks: Webhooks
  readonly customers: Customers
  readonly timers: Timers
  readonly delaysMs: StatusDelaysMs
  readonly random: () => number
}

export function createLifecycle({ state, webhooks, customers, timers, delaysMs, random }: Deps): Lifecycle {
  const nobodyCares = (account: Account): boolean => account.webhookUrl === undefined && customers.isEmpty()

  return {
    async begin(account, message, lies, failCode) {
      if (nobodyCares(account)) return
      const acceptedAt = Date.now()
      const customer = failCode === undefined ? customers.choose(message) : undefined
      const partOf = (step: PlannedStatus) =>
        statusPart({
          message,
          status: step.status,
          at: acceptedAt + step.happensAfterMs,
          name: state.nameOf(message.to),
          ...(failCode === undefined ? {} : { failCode }),
        })
      const perform = (step: PlannedStatus): void => {
        if (step.told) webhooks.sendStatus(account, partOf(step), lies?.duplicates)
        if (customer?.on === step.status) customers.answer(customer, message)
      }

      const steps = planStatuses({ delaysMs, lies, failCode, random })
      const early = lies?.beforeAnswer ? steps.find((step) => step.told) : undefined
      if (early) await webhooks.send(account, [partOf(early)], lies?.duplicates)
      for (const step of steps) {
        timers.after(step.tellAfterMs, () => perform(step === early ? { ...step, told: false } : step))
      }
    },
  }
}
