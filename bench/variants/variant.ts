import type { VariantName } from '../options.ts'

export type Work = 'outbound' | 'webhooks' | 'embedded'

/** One of the two that are compared. Each measurement has processes of its own. */
export interface Variant {
  readonly name: VariantName
  /** Starts it for one kind of work; resolves when it can take it. */
  start(work: Work): Promise<RunningVariant>
}

export interface RunningVariant {
  /** Undefined: a process that we may not see. */
  readonly pids: readonly (number | undefined)[]
  /** From the start of a process until it could be used; of the slowest. */
  readonly readyMs: number
  readonly webhooks: WebhookTarget
  stop(): Promise<void>
}

export interface WebhookTarget {
  readonly ports: readonly number[]
  /** Of the webhook of a number's connection. */
  pathOf(phoneNumberId: string): string
}
