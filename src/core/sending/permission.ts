/**
 * What may be sent to a customer now: nothing that they refused, free text only while they are in touch, and from
 * templates only what the provider takes by now.
 */

import type { Connection } from '../accounts/connections.ts'
import type { Asked, Consents, Refused } from '../contacts/consent.ts'
import { type Contact, isWindowOpen } from '../contacts/contact.ts'
import type { ContactAddress } from '../contacts/contact-store.ts'
import type { Address } from '../contract/address.ts'
import type { Content, TemplateContent } from '../contract/content.ts'
import type { TemplateUse } from '../contract/events.ts'
import type { Failure, FailureCode } from '../contract/failures.ts'
import { createBatcher } from '../storage/batcher.ts'
import type { ClaimedMessage } from './outgoing-message.ts'

export interface PermissionFacts {
  readonly refused: Refused
  /** Looked at for free-form content only. */
  readonly contact: Contact | undefined
  /** How long after the customer's last message the provider takes free-form content; undefined = always. */
  readonly serviceWindowMs: number | undefined
  readonly now: Date
}

export type Permission = { readonly content: Content } | { readonly refusal: Failure }

/** What of a content may be sent: itself, the template that stands in for it, or nothing. Pure. */
export function permissionFor(content: Content, facts: PermissionFacts): Permission {
  const { refused, contact, serviceWindowMs, now } = facts
  const why = whyRefused(content, refused)
  if (why) return refusal('recipient_opted_out', why)
  if (content.type === 'template') return { content }
  if (serviceWindowMs === undefined || isWindowOpen(contact, serviceWindowMs, now)) return { content }
  const { outsideWindow } = content
  if (outsideWindow) return permissionFor({ ...outsideWindow, insteadOf: content.text }, facts)
  return refusal('window_closed', `the customer last wrote ${contact?.lastInboundAt?.toISOString() ?? 'never'}`)
}

/** Why a content is not for somebody who refused so much; undefined when nothing speaks against it. Pure. */
export function whyRefused(content: Content, refused: Refused): string | undefined {
  if (content.type === 'text' && content.confirmsWish) return undefined
  if (refused.all) return 'the recipient wants no messages'
  const isMarketing = content.type === 'template' && content.isMarketing === true
  return isMarketing && refused.marketing ? 'the recipient wants no marketing messages' : undefined
}

const refusal = (code: FailureCode, why: string): Permission => ({
  refusal: { code, detail: `not called: ${why}` },
})

const unusable = { paused: 'template_paused', not_approved: 'template_missing' } as const

export interface PermissionDeps {
  /** What these people said about being written to. */
  readonly consents: (addresses: readonly Address[]) => Promise<Consents>
  /** Contacts at these addresses, in their order. */
  readonly find: (wanted: readonly ContactAddress[]) => Promise<(Contact | undefined)[]>
  /** Keeps what a message says now, before it is said. */
  readonly replaceContent: (message: ClaimedMessage, content: Content) => Promise<void>
  readonly serviceWindowMs: (provider: string) => number | undefined
  /** What the provider says of a template at a connection. */
  readonly templateUse: (connectionId: number, template: TemplateContent['template']) => Promise<TemplateUse>
  readonly now: () => Date
}

/** Whose connection a message would leave through. */
type Sender = Pick<Connection, 'provider' | 'accountId'>

/**
 * Decides right before the call.
 * @throws when the database does not answer: then nobody knows
 */
export type Permit = (message: ClaimedMessage, sender: Sender) => Promise<Permission>

/** Look-ups of messages that start together go together. */
export function createPermit(deps: PermissionDeps): Permit {
  const wishes = createBatcher<Asked, Refused>({
    async flush(asked) {
      const consents = await deps.consents(asked.map(({ address }) => address))
      return asked.map(consents.refused)
    },
    inFlight: 4,
  })
  const contacts = createBatcher<ContactAddress, Contact | undefined>({ flush: deps.find, inFlight: 4 })
  const byCustomer = async (message: ClaimedMessage, sender: Sender): Promise<Permission> => {
    const { accountId, content, connectionId, customerPhone: phone, customerUserId: userId } = message
    const serviceWindowMs = deps.serviceWindowMs(sender.provider)
    const address = { ...(phone ? { phone } : {}), ...(userId ? { userId } : {}) }
    const isWindowed = content.type !== 'template' && serviceWindowMs !== undefined
    const [refused, contact] = await Promise.all([
      wishes.add({ accountIds: [accountId, sender.accountId], address }),
      isWindowed ? contacts.add({ connectionId, address }) : undefined,
    ])
    return permissionFor(content, { refused, contact, serviceWindowMs, now: deps.now() })
  }
  return async (message, sender) => {
    const permission = await byCustomer(message, sender)
    if ('refusal' in permission) return permission
    const { content } = permission
    const use = content.type === 'template' ? await deps.templateUse(message.connectionId, content.template) : 'usable'
    if (use !== 'usable') return refusal(unusable[use], 'the provider said so of the template while it waited')
    if (content !== message.content) await deps.replaceContent(message, content)
    return permission
  }
}
