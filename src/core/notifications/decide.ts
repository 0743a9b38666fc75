/** What one event asks for: parked, skipped with a reason, or a message through a certain connection. */

import { randomBytes } from 'node:crypto'
import type { Connection } from '../accounts/connections.ts'
import type { AccountSettings } from '../accounts/settings.ts'
import type { TemplateHealth } from '../accounts/template-health.ts'
import type { OrderSnapshot } from '../activity/order-snapshot.ts'
import type { Content } from '../contract/content.ts'
import type { TemplateKey } from '../contract/events.ts'
import { templateKey } from '../contract/provider.ts'
import { buttonPayload } from '../conversations/button-payload.ts'
import type { OutgoingDraft } from '../sending/outgoing-message.ts'
import { type ChosenRoute, chooseRoute, type TemplateTrouble } from '../sending/route.ts'
import type { Notice, NotificationKind } from './kinds/kind.ts'
import type { ShipmentEnd } from './kinds/shipment-end.ts'
import { parseEvent } from './parse-event.ts'
import { toE164 } from './phone.ts'
import type { Rejection } from './rejected-events.ts'
import type { TemplateCatalog } from './template-catalog.ts'

type SendDraft = OutgoingDraft & { readonly content: Content }

export type Decision =
  | {
      readonly type: 'send'
      readonly draft: SendDraft
      readonly connection: Connection
      /** When what it tells of happened, by the subject's own log. */
      readonly happenedAt?: Date | undefined
    }
  | { readonly type: 'skip'; readonly draft: OutgoingDraft }
  | { readonly type: 'park'; readonly rejection: Rejection }
  /** Nothing is left to decide about a shipment. */
  | { readonly type: 'end'; readonly end: ShipmentEnd }
  /** A sound event that asks for no notification. */
  | { readonly type: 'pass' }

export type DecideEvent = (body: Buffer) => Promise<Decision>

export interface DecideDeps {
  readonly kinds: readonly NotificationKind[]
  readonly catalog: TemplateCatalog
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly platformConnection: () => Promise<Connection | undefined>
  /** Is the connection's circuit breaker closed? */
  readonly answers: (connection: Connection) => boolean
  /** What the provider says of a template at a connection. */
  readonly templateHealth: TemplateHealth['get']
  /** Has the customer refused marketing messages on a connection? */
  readonly hasOptedOut: (connectionId: number, phone: string) => Promise<boolean>
  /** Must the connection itself say what stands for a template there? */
  readonly mapsTemplates: (connection: Connection) => boolean
  readonly builtInTemplateId: (name: string, language: string) => number | undefined
  /** The installation's own switch, above every account's. */
  readonly isEnabled: boolean
  readonly now: () => Date
}

export const createDecide = (deps: DecideDeps): DecideEvent => {
  return async (body) => {
    const parsed = parseEvent(body)
    if (!parsed.ok) return park(body, parsed)
    const kind = deps.kinds.find((candidate) => candidate.recognises(parsed.value))
    if (!kind && deps.kinds.some((candidate) => candidate.passesOver(parsed.value))) return passOver(deps, parsed.value)
    if (!kind) return park(body, { reason: 'unknown_kind', detail: 'no kind of notification recognises this event' })
    const reading = kind.read(parsed.value)
    if (!reading.ok) return park(body, reading, kind.accountOf(parsed.value))
    return decideNotice(deps, kind, reading.notice, body)
  }
}

function passOver({ kinds }: DecideDeps, event: unknown): Decision {
  const [end] = kinds.flatMap((kind) => kind.endOf?.(event) ?? [])
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
  const template = templateFor(facts)
  const chosen = await routeFor(deps, settings, template)
  if ('none' in chosen) return skip(facts, chosen.code, chosen.none)
  const isMarketing = await isMarketingAt(deps, chosen.connection, template)
  if (isMarketing && (await deps.hasOptedOut(chosen.connection.id, phone))) return skip(facts, 'recipient_opted_out')
  return send(facts, { ...template, isMarketing }, chosen)
}

/** The provider decides what is marketing, whatever we registered the template as. */
async function isMarketingAt({ templateHealth }: DecideDeps, { id }: Connection, template: TemplateKey) {
  return (await templateHealth(id, template))?.category === 'MARKETING'
}

interface Facts {
  readonly deps: DecideDeps
  readonly kind: NotificationKind
  readonly notice: Notice
  readonly settings: AccountSettings
  readonly phone: string
}

/** Why nothing is sent although the event is fine. */
function whySilent({ deps, notice, settings }: Facts): string | undefined {
  if (!deps.isEnabled) return 'notifications_disabled'
  if (!settings.isWhatsappEnabled) return 'whatsapp_disabled'
  if (!notice.isNotifiedByDefault && !settings.templates[notice.reason]) return 'no_template_for_reason'
  return undefined
}

async function routeFor(deps: DecideDeps, settings: AccountSettings, template: TemplateKey): Promise<ChosenRoute> {
  const namesOwn = settings.connectionId !== undefined
  const own = settings.connectionId === undefined ? undefined : await deps.connection(settings.connectionId)
  const platform = namesOwn ? undefined : await deps.platformConnection()
  const fallbackId = (own ?? platform)?.fallbackConnectionId
  const fallback = fallbackId === undefined ? undefined : await deps.connection(fallbackId)
  const troubles = await templateTroubles(deps, template, [own, platform, fallback])
  return chooseRoute({
    own,
    namesOwn,
    platform,
    fallbackOf: () => fallback,
    answers: deps.answers,
    templateTrouble: ({ id }) => troubles.get(id),
  })
}

const troubleOf = { usable: undefined, not_approved: 'template_not_approved', paused: 'template_paused' } as const

/** What speaks against a template at each of these connections. */
async function templateTroubles(
  deps: DecideDeps,
  template: TemplateKey,
  connections: readonly (Connection | undefined)[],
): Promise<Map<number, TemplateTrouble>> {
  const troubles = new Map<number, TemplateTrouble>()
  for (const connection of connections) {
    const trouble = connection && (await templateTrouble(deps, template, connection))
    if (connection && trouble) troubles.set(connection.id, trouble)
  }
  return troubles
}

async function templateTrouble(
  { templateHealth, mapsTemplates }: DecideDeps,
  template: TemplateKey,
  connection: Connection,
): Promise<TemplateTrouble | undefined> {
  if (mapsTemplates(connection))
    return Object.hasOwn(connection.templates, templateKey(template)) ? undefined : 'template_not_mapped'
  const use = (await templateHealth(connection.id, template))?.use
  return use ? troubleOf[use] : undefined
}

const draftOf = ({ deps, kind, notice, settings, phone }: Facts) => ({
  // 128 random bits, base64url: 22 characters.
  reference: randomBytes(16).toString('base64url'),
  accountId: notice.accountId,
  kind: kind.id,
  subject: notice.subject,
  idempotencyKey: notice.idempotencyKey,
  statusLogId: notice.statusLogId,
  reason: notice.reason,
  customerPhone: phone,
  snapshot: capped({ ...notice.snapshot, accountSlug: notice.snapshot.accountSlug ?? settings.accountSlug ?? '' }),
  expiresAt: new Date(deps.now().getTime() + kind.usefulMs),
})

/** No real name, number or address is longer; what is would only be there to fill a column. */
const longestFact = 254

const capped = (snapshot: OrderSnapshot): OrderSnapshot =>
  Object.fromEntries(
    Object.entries(snapshot).map(([name, value]: [string, string]) => [name, value.slice(0, longestFact)]),
  )

function skip(facts: Facts, code: string, detail?: string): Decision {
  const failure = { code, ...(detail ? { detail } : {}) }
  const route = { connectionId: null, why: detail ?? code }
  return { type: 'skip', draft: { ...draftOf(facts), state: 'skipped', route, failure, expiresAt: undefined } }
}

function send(
  facts: Facts,
  template: ChosenTemplate & { readonly isMarketing: boolean },
  { connection, route }: Extract<ChosenRoute, { connection: Connection }>,
): Decision {
  const { deps, settings, notice } = facts
  const draft = draftOf(facts)
  const { language } = template
  const values = notice.values({ phone: facts.phone, support: settings.support, language })
  const buttons = template.actions.map((action) => buttonPayload({ reference: draft.reference, action }))
  const named = { type: 'template', template: { name: template.name, language }, values, buttons } as const
  const content = template.isMarketing ? { ...named, isMarketing: true } : named
  return {
    type: 'send',
    connection,
    happenedAt: notice.happenedAt,
    draft: {
      ...draft,
      connectionId: connection.id,
      businessPhone: connection.businessPhone,
      templateId: template.id,
      content,
      snapshot: { ...draft.snapshot, language },
      route,
      state: 'queued',
      dueAt: deps.now(),
    },
  }
}

type ChosenTemplate = ReturnType<typeof templateFor>

/** The account's own template for the reason, else the built-in one in the account's first language. */
function templateFor({ deps, notice, settings }: Facts) {
  const own = settings.templates[notice.reason]
  const hasBuiltIn = deps.catalog.keys.includes(notice.templateName)
  const language = own?.language ?? settings.languages[0] ?? 'en'
  const builtIn = hasBuiltIn ? deps.catalog.template(notice.templateName, language) : undefined
  const actions = builtIn?.buttons.map((button) => button.action) ?? []
  if (own) return { id: own.id, name: own.name, language: own.language, actions }
  const written = builtIn?.language ?? language
  return {
    id: deps.builtInTemplateId(notice.templateName, written),
    name: notice.templateName,
    language: written,
    actions,
  }
}
