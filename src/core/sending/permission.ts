/**
 * What may be sent to a customer now: free text only while they are in touch, marketing only if they want it, and from
 * templates only what the provider takes by now.
 */

import { type Contact, isWindowOpen } from '../contacts/contact.ts'
import type { ContactAddress } from '../contacts/contact-store.ts'
import type { Content, TemplateContent } from '../contract/content.ts'
import type { TemplateUse } from '../contract/events.ts'
import type { Failure, FailureCode } from '../contract/failures.ts'
import { createBatcher } from '../storage/batcher.ts'
import type { ClaimedMessage } from './outgoing-message.ts'

export interface PermissionFacts {
  readonly contact: Contact | undefined
  /** How long after the customer's last message the provider takes free-form content; undefined = always. */
  readonly serviceWindowMs: number | undefined
  readonly now: Date
}

export type Permission = { readonly content: Content } | { readonly refusal: Failure }

/** What of a content may be sent: itself, the template that stands in for it, or nothing. Pure. */
export function permissionFor(content: Content, facts: PermissionFacts): Permission {
  const { contact, serviceWindowMs, now } = facts
  if (content.type === 'template') {
    return content.isMarketing && contact?.hasOptedOutOfMarketing
      ? refusal('recipient_opted_out', 'the recipient wants no marketing messages')
      : { content }
  }
  if (serviceWindowMs === undefined || isWindowOpen(contact, serviceWindowMs, now)) return { content }
  const { outsideWindow } = content
  if (outsideWindow) return permissionFor({ ...outsideWindow, insteadOf: content.text }, facts)
  return refusal('window_closed', `the customer last wrote ${contact?.lastInboundAt?.toISOString() ?? 'never'}`)
}

const refusal = (code: FailureCode, why: string): Permission => ({
  refusal: { code, detail: `not called: ${why}` },
})

const unusable = { paused: 'template_paused', not_approved: 'template_missing' } as const

/** Does it depend on the customer at all? Most messages do not, and cost no look-up. */
const isConditional = (content: Content, serviceWindowMs: number | undefined): boolean =>
  content.type === 'template' ? content.isMarketing === true : serviceWindowMs !== undefined

export interface PermissionDeps {
  /** Contacts at these addresses, in their order. */
  readonly find: (wanted: readonly ContactAddress[]) => Promise<(Contact | undefined)[]>
  /** Keeps what a message says now, before it is said. */
  readonly replaceContent: (message: ClaimedMessage, content: Content) => Promise<void>
  readonly serviceWindowMs: (provider: string) => number | undefined
  /** What the provider says of a template at a connection. */
  readonly templateUse: (connectionId: number, template: TemplateContent['template']) => Promise<TemplateUse>
  readonly now: () => Date
}

export interface Permissions {
  /**
   * Decides right before the call.
   * @throws when the database does not answer: then nobody knows
   */
  permit(message: ClaimedMessage, provider: string): Promise<Permission>
  /** Has the customer refused marketing messages on this connection? */
  hasOptedOut(connectionId: number, phone: string): Promise<boolean>
}

/** Look-ups of messages that start together go together. */
export function createPermissions(deps: PermissionDeps): Permissions {
  const contacts = createBatcher<ContactAddress, Contact | undefined>({ flush: deps.find, inFlight: 4 })
  const byCustomer = async (message: ClaimedMessage, provider: string): Promise<Permission> => {
    const { content, connectionId, customerPhone: phone, customerUserId: userId } = message
    const serviceWindowMs = deps.serviceWindowMs(provider)
    if (!isConditional(content, serviceWindowMs)) return { content }
    const address = { ...(phone ? { phone } : {}), ...(userId ? { userId } : {}) }
    const contact = await contacts.add({ connectionId, address })
    return permissionFor(content, { contact, serviceWindowMs, now: deps.now() })
  }
  return {
    async permit(message, provider) {
      const permission = await byCustomer(message, provider)
      if ('refusal' in permission) return permission
      const { content } = permission
      const use =
        content.type === 'template' ? await deps.templateUse(message.connectionId, content.template) : 'usable'
      if (use !== 'usable') return refusal(unusable[use], 'the provider said so of the template while it waited')
      if (content !== message.content) await deps.replaceContent(message, content)
      return permission
    },
    async hasOptedOut(connectionId, phone) {
      const contact = await contacts.add({ connectionId, address: { phone } })
      return contact?.hasOptedOutOfMarketing ?? false
    },
  }
}
