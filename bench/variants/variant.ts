import type { PostTarget } from '../load/posts.ts'
import type { VariantName } from '../options.ts'

/** One of the two that are compared. Each measurement has a process of its own. */
export interface Variant {
  readonly name: VariantName
  /** Starts it for one kind of work; resolves when it can take it. */
  start(work: 'outbound' | 'webhooks'): Promise<RunningVariant>
}

export interface RunningVariant {
  readonly pid: number | undefined
  /** Where webhooks go. */
  readonly webhooks: PostTarget
  stop(): Promise<void>
}
