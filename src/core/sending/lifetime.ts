/** When a message that was sent, and of which nothing more was heard, must be given up. */

import type { Content } from '../contract/content.ts'
import type { OutgoingRecord } from './outgoing-rows.ts'

/**
 * Reports may come late: the provider sends a webhook again when we did not answer, and clocks differ. One that comes
 * even later still raises the message.
 */
const marginMs = 3_600_000

/** @param lifetimeMs how long the provider tries to deliver it */
export const givenUpAt = (sentAt: Date, lifetimeMs: number): Date => new Date(sentAt.getTime() + lifetimeMs + marginMs)

/** Ends a message whose delivery nobody reported; what is inferred says so. */
export const lifetimeOver = (lifetimeMs: number) => ({
  code: 'lifetime_over',
  reason: `Inferred: no delivery was reported within ${inWords(lifetimeMs)}, after which the provider drops a message.`,
})

const hourMs = 3_600_000
const inWords = (ms: number): string => {
  const hours = ms / hourMs
  if (hours < 1) return `${Math.round(ms / 60_000)} minutes`
  return hours < 48 ? `${Math.round(hours)} hours` : `${Math.round(hours / 24)} days`
}

export interface Lifetimes {
  /** By the template alone, and the shortest of all providers where it names none: cheap, and never too long. */
  atLeast(content: Content | null): number
  /** As it is for the connection that took the message. */
  of(message: Pick<OutgoingRecord, 'content' | 'connectionId'>): Promise<number>
}

export interface LifetimesDeps {
  readonly catalog: { lifetimeMs(key: string): number | undefined }
  readonly providers: readonly { readonly id: string; readonly messageLifetimeMs: number }[]
  readonly connection: (id: number) => Promise<{ readonly provider: string } | undefined>
}

/** How long messages may take to be delivered, in milliseconds. */
export function createLifetimes({ catalog, providers, connection }: LifetimesDeps): Lifetimes {
  const ofTemplate = (content: Content | null) =>
    content?.type === 'template' ? catalog.lifetimeMs(content.template.name) : undefined
  const shortestMs = Math.min(...providers.map(({ messageLifetimeMs }) => messageLifetimeMs))
  return {
    atLeast: (content) => ofTemplate(content) ?? shortestMs,
    async of({ content, connectionId }) {
      const taker = connectionId === null ? undefined : await connection(connectionId)
      const usual = providers.find(({ id }) => id === taker?.provider)?.messageLifetimeMs
      return ofTemplate(content) ?? usual ?? shortestMs
    },
  }
}
