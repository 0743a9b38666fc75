/** Whether one notification goes out, how it is told and through which connection. */

import { randomBytes } from 'node:crypto'
import type { Connection } from '../accounts/connections.ts'
import type { AccountSettings } from '../accounts/settings.ts'
import type { OrderSnapshot } from '../activity/order-snapshot.ts'
import { priority } from '../sending/outgoing-message.ts'
import type { ChosenRoute } from '../sending/route.ts'
import type { SenderDeps, SenderWish } from './choose-sender.ts'
import type { ChosenTemplate, TemplateDeps } from './choose-template.ts'
import { chooseWay } from './choose-way.ts'
import type { RefuseDecision, SendDecision, SkipDecision } from './decision.ts'
import { type Fit, type FitDeps, fitContent } from './fit-content.ts'
import type { Refusal } from './gates/gate.ts'
import type { GuardFactsOf } from './guards/guard-facts.ts'
import type { Notice, NotificationKind } from './kinds/kind.ts'
import { type Morning, uselessFailure } from './morning.ts'
import { toE164 } from './phone.ts'
import { contentOf } from './wording.ts'

export interface NoticeDeps extends SenderDeps, TemplateDeps, FitDeps {
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  /** Until when it waits because it is quiet where the recipient lives; undefined = it does not. */
  readonly morning: Morning['of']
  /** What the guards of its account have to know. */
  readonly guardFacts: GuardFactsOf
  /** The installation's own switch, above every account's. */
  readonly isEnabled: boolean
  readonly now: () => Date
}

export async function decideNotice(
  deps: NoticeDeps,
  kind: NotificationKind,
  notice: Notice,
): Promise<SendDecision | SkipDecision | RefuseDecision> {
  const settings = await deps.settings(notice.accountId, notice.channelId)
  const phone = toE164(notice.phone, notice.country ?? settings.defaultCountry)
  if (!phone) return { type: 'refuse', refusal: invalidPhone }
  const facts = { deps, kind, notice, settings, phone }
  const silence = whySilent(facts)
  if (silence) return skip(facts, { code: silence })
  const wish = await senderWish(facts)
  if ('code' in wish) return mendable(facts, wish)
  const way = await chooseWay(deps, notice.content, settings, wish)
  if (!way) return skip(facts, { code: 'no_template_for_reason' })
  const { wording, chosen } = way
  if ('none' in chosen) return withoutRoute(facts, chosen)
  const fit = await fitContent(deps, wording, chosen.connection, phone)
  if ('refusal' in fit) return mendable(facts, fit.refusal)
  return send(facts, fit, chosen, await isMarketingAt(deps, chosen.connection, wording.template))
}

const invalidPhone: Refusal = { code: 'invalid_phone', detail: 'the phone number cannot be a real one' }

/** The provider decides what is marketing; until it has told, what we would register the template as. */
async function isMarketingAt({ templateHealth }: NoticeDeps, { id }: Connection, template: ChosenTemplate | undefined) {
  if (!template) return false
  const { category } = (await templateHealth(id, template)) ?? {}
  return (category ?? template.category) === 'MARKETING'
}

interface Facts {
  readonly deps: NoticeDeps
  readonly kind: NotificationKind
  readonly notice: Notice
  readonly settings: AccountSettings
  readonly phone: string
}

/** Why nothing is sent although the event is fine. */
function whySilent({ deps, notice: { content, ignoredBecause }, settings }: Facts): string | undefined {
  if (ignoredBecause) return ignoredBecause
  if (!deps.isEnabled) return 'notifications_disabled'
  if (!settings.isWhatsappEnabled) return 'whatsapp_disabled'
  if (content.type !== 'reason' || content.isNotifiedByDefault || settings.templates[content.reason]) return undefined
  return 'no_template_for_reason'
}

/** A connection that is asked for has to be the account's own or the platform's; of others nothing is told. */
async function senderWish({ deps, notice, settings }: Facts): Promise<SenderWish | Refusal> {
  const { accountId, connectionId } = notice
  if (connectionId === undefined) return { connectionId: settings.connectionId, isAskedFor: false }
  const asked = await deps.connection(connectionId)
  const isOurs = asked?.accountId === accountId || (await deps.platformConnection())?.id === connectionId
  return asked && asked.state !== 'deleted' && isOurs
    ? { connectionId, isAskedFor: true }
    : { code: 'unknown_connection', detail: 'there is no such connection' }
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
  createdBy: notice.createdBy,
  priority: notice.bulkId === undefined ? priority.usual : priority.bulk,
  snapshot: capped({ accountSlug: settings.accountSlug ?? '', ...notice.snapshot }),
  expiresAt: new Date(deps.now().getTime() + kind.usefulMs),
})

/** No real name, number or address is longer; what is would only be there to fill a column. */
const longestFact = 254

const capped = ({ details, references, eta, ...facts }: OrderSnapshot): OrderSnapshot => ({
  ...cut(facts),
  ...(details ? { details: cut(details) } : {}),
  ...(references ? { references: cut(references) } : {}),
  ...(eta === undefined ? {} : { eta }),
})

const cut = (facts: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.values(facts).some((value) => value.length > longestFact)
    ? Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value.slice(0, longestFact)]))
    : facts

function skip(facts: Facts, { code, detail }: Refusal): SkipDecision {
  const failure = { code, ...(detail ? { detail } : {}) }
  const route = { connectionId: null, why: detail ?? code }
  return { type: 'skip', draft: { ...draftOf(facts), state: 'skipped', route, failure, expiresAt: undefined } }
}

const mendable = (facts: Facts, mend: Refusal): SkipDecision => ({ ...skip(facts, mend), mend })

/** Who named the template, or the connection, can name another one. */
function withoutRoute(facts: Facts, { code, none }: Extract<ChosenRoute, { none: string }>): SkipDecision {
  const refusal = { code, detail: none }
  const isNamed = facts.notice.content.type === 'named' && code !== 'no_connection'
  return isNamed ? mendable(facts, refusal) : skip(facts, refusal)
}

function send(
  facts: Facts,
  { wording, usefulUntil }: Exclude<Fit, { refusal: Refusal }>,
  { connection, route }: Extract<ChosenRoute, { connection: Connection }>,
  isMarketing: boolean,
): SendDecision | SkipDecision {
  const { deps, kind, phone, settings, notice } = facts
  const draft = draftOf(facts)
  const morning = deps.morning(kind.id, settings, phone)
  if (morning && morning >= draft.expiresAt) {
    const { code, reason } = uselessFailure(morning, draft.expiresAt)
    return skip(facts, { code, detail: reason })
  }
  const { reference } = draft
  const content = contentOf(deps.catalog, wording, { reference, isMarketing, phone, support: settings.support })
  const language = wording.template?.language
  return {
    type: 'send',
    connection,
    bulkId: notice.bulkId,
    happenedAt: notice.happenedAt,
    guard: deps.guardFacts({ settings, provider: connection.provider, content, phone }),
    draft: {
      // A property before the spread: docs/performance.md.
      route,
      ...draft,
      connectionId: connection.id,
      businessPhone: connection.businessPhone,
      templateId: wording.template?.id,
      content,
      snapshot: language ? { language, ...draft.snapshot } : draft.snapshot,
      state: 'queued',
      dueAt: morning ?? deps.now(),
      quietUntil: morning,
      expiresAt: usefulUntil ?? draft.expiresAt,
    },
  }
}
