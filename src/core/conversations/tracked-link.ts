/** Where a link button of ours leads: to the customer's tracking page, marked as coming from WhatsApp. */

import type { AccountSettings } from '../accounts/settings.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'

export interface TrackedLinkDeps {
  readonly outgoing: OutgoingStore
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  /** The installation's portal, where an account names none. */
  readonly portalUrl: string | undefined
}

/**
 * @param token the random reference of the message that carries the link
 * @returns undefined when there is no such message, or no portal
 */
export async function linkTarget(deps: TrackedLinkDeps, token: string): Promise<string | undefined> {
  const id = (await deps.outgoing.idsByReference([token])).get(token)
  const message = id === undefined ? undefined : await deps.outgoing.get(id)
  if (message?.content?.type !== 'link') return undefined
  const settings = await deps.settings(message.accountId, message.snapshot.channelId)
  const portal = settings.portalUrl ?? deps.portalUrl
  if (!portal) return undefined
  const url = new URL(`${portal.replace(/\/$/, '')}/${encodeURIComponent(message.snapshot.trackingId ?? '')}`)
  url.searchParams.set('source', 'whatsapp')
  return url.href
}
