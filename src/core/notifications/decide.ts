/** What one event asks for: parked, skipped with a reason, or a message through a certain connection. */

import { randomBytes } from 'node:crypto'
import type { Connection } from '../accounts/connections.ts'
import type { AccountSettings } from '../accounts/settings.ts'
import type { OrderSnapshot } from '../activity/order-snapshot.ts'
import type { Content } from '../contract/content.ts'
import type { OutgoingDraft } from '../sending/outgoing-message.ts'
import type { ChosenRoute } from '../sending/route.ts'
import type { SenderDeps } from './choose-sender.ts'
import type { ChosenTemplate, TemplateDeps } from './choose-template.ts'
import { chooseWay } from './choose-way.ts'
import type { Notice, NotificationKind } from './kinds/kind.ts'
import type { ShipmentEnd } from './kinds/shipment-end.ts'
import { type Morning, uselessFailure } from './morning.ts'
import { parseEvent } from './parse-event.ts'
import { toE164 } from './phone.ts'
import type { ReasonTable } from './reason.ts'
import type { Rejection } from './rejected-events.ts'
import { contentOf, type Wording } from './wording.ts'

export interface SendDecision {
  readonly type: 'send'
  readonly draft: OutgoingDraft & { readonly content: Content; readonly dueAt: Date }
  readonly connection: Connection
  /** When what it tells of happened, by the subject's own log. */
  readonly happenedAt?: Date | undefined
}

export type Decision =
  | SendDecision
  | { readonly type: 'skip'; readonly draft: OutgoingDraft }
  | { readonly type: 'park'; readonly rejection: Rejection }
  /** Nothing is left to decide about a shipment. */
  | { readonly type: 'end'; readonly end: ShipmentEnd }
  /** A sound event that asks for no notification. */
  | { readonly type: 'pass' }

export type DecideEvent = (body: Buffer) => Promise<Decision>

export interface DecideDeps extends SenderDeps, TemplateDeps {
  readonly kinds: readonly NotificationKind[]
  readonly reasons: ReasonTable
  /** Shipment updates that end the conversations about their shipment. */
  readonly closing: ReadonlySet<string>
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  /** Until when it waits because it is quiet where the recipient lives; undefined = it does not. */
  readonly morning: Morning['of']
  /** The installation's own switch, above every account's. */
  readonly isEnabled: boolean
  readonly now: () => Date
}

export const createDecide = (deps: DecideDeps): DecideEvent => {
  return async (body) => {
    const parsed = parseEvent(body)
    if (!parsed.ok) return park(body, parsed)
    const kind = deps.kinds.find((candidate) => candidate.recognises(parsed.value))
    if (!kind && deps.kinds.some((candidate) => candidate.passesOver?.(parsed.value)))
      return passOver(deps, parsed.value)
    if (!kind) return park(body, { reason: 'unknown_kind', detail: 'no kind of notification recognises this event' })
    const reading = kind.read(parsed.value, deps.reasons)
    if (!reading.ok) return park(body, reading, kind.accountOf(parsed.value))
    return decideNotice(deps, kind, reading.notice, body)
  }
}

function passOver({ kinds, closing }: DecideDeps, event: unknown): Decision {
  const [end] = kinds.flatMap((kind) => kind.endOf?.(event, closing) ?? [])
  return end ? { type: 'end', end } : { type: 'pass' }
}

const park = (body: Buffer, { reason, detail }: { reason: string; detail: string }, accountId?: number): Decision => ({
  type: 'park',
  rejection: { source: 'event', ...(accountId === undefined ? {} : { accountId }), reason, detail, body },
})

async function decideNotice(deps: DecideDeps, kind: NotificationKind, notice: Notice, body: Buffer): Promise<Decision> {
  const settings = await deps.settings(notice.accountId, notice.channelId)
  const phone = toE164(notice.phone, notice.country ?? settings.defaultCountry)
  const invalidPhone = { reason: 'invalid_phone', detail: 'the phone number cannot be a real one' }
  if (!phone) return park(body, invalidPhone, notice.accountId)
  const facts = { deps, kind, notice, settings, phone }
  const silence = whySilent(facts)
  if (silence) return skip(facts, silence)
  const way = await chooseWay(deps, notice.content, settings)
  if (!way) return skip(facts, 'no_template_for_reason')
  const { wording, chosen } = way
  if ('none' in chosen) return skip(facts, chosen.code, chosen.none)
  const isMarketing = await isMarketingAt(deps, chosen.connection, wording.template)
  return send(facts, { wording, isMarketing }, chosen)
}

/** The provider decides what is marketing; until it has told, what we would register the template as. */
async function isMarketingAt({ templateHealth }: DecideDeps, { id }: Connection, template: ChosenTemplate | undefined) {
  if (!template) return false
  const { category } = (await templateHealth(id, template)) ?? {}
  return (category ?? template.category) === 'MARKETING'
}

interface Facts {
  readonly deps: DecideDeps
  readonly kind: NotificationKind
  readonly notice: Notice
  readonly settings: AccountSettings
  readonly phone: string
}

/** Why nothing is sent although the event is fine. */
function whySilent({ deps, notice: { content }, settings }: Facts): string | undefined {
  if (!deps.isEnabled) return 'notifications_disabled'
  if (!settings.isWhatsappEnabled) return 'whatsapp_disabled'
  if (content.type !== 'reason' || content.isNotifiedByDefault || settings.templates[content.reason]) return undefined
  return 'no_template_for_reason'
}

const draftOf = ({ deps, kind, notice, settings, phone }: Facts) => ({
  // 128 random bits, base64url: 22 characters.
  reference: randomBytes(16).toString('base64url'),
  accountId: notice.accountId,
  kind: kind.id,
  subject: notice.subject,
  idempotencyKey: notice.idempotencyKey,
  statusLogId: notice.statusLogId,
  reason: notice.content.type === 'reason' ? notice.content.reason : undefined,
  customerPhone: phone,
  snapshot: capped({ ...notice.snapshot, accountSlug: notice.snapshot.accountSlug ?? settings.accountSlug ?? '' }),
  expiresAt: new Date(deps.now().getTime() + kind.usefulMs),
})

/** No real name, number or address is longer; what is would only be there to fill a column. */
const longestFact = 254

const capped = ({ details, ...facts }: OrderSnapshot): OrderSnapshot => ({
  ...cut(facts),
  ...(details ? { details: cut(details) } : {}),
})

const cut = (facts: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value.slice(0, longestFact)]))

function skip(facts: Facts, code: string, detail?: string): Decision {
  const failure = { code, ...(detail ? { detail } : {}) }
  const route = { connectionId: null, why: detail ?? code }
  return { type: 'skip', draft: { ...draftOf(facts), state: 'skipped', route, failure, expiresAt: undefined } }
}

function send(
  facts: Facts,
  { wording, isMarketing }: { readonly wording: Wording; readonly isMarketing: boolean },
  { connection, route }: Extract<ChosenRoute, { connection: Connection }>,
): Decision {
  const { deps, kind, phone, settings, notice } = facts
  const draft = draftOf(facts)
  const morning = deps.morning(kind.id, settings, phone)
  if (morning && morning >= draft.expiresAt) {
    const { code, reason } = uselessFailure(morning, draft.expiresAt)
    return skip(facts, code, reason)
  }
  const { reference } = draft
  const content = contentOf(deps.catalog, wording, { reference, isMarketing, phone, support: settings.support })
  const language = wording.template?.language
  return {
    type: 'send',
    connection,
    happenedAt: notice.happenedAt,
    draft: {
      ...draft,
      connectionId: connection.id,
      businessPhone: connection.businessPhone,
      templateId: wording.template?.id,
      content,
      snapshot: language ? { ...draft.snapshot, language } : draft.snapshot,
      route,
      state: 'queued',
      dueAt: morning ?? deps.now(),
      quietUntil: morning,
    },
  }
}
