/** The story of a tracked link: who is it for, is it still good, note the click, lead to the portal. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { AccountSettings } from '../accounts/settings.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { OutgoingRecord } from '../sending/outgoing-rows.ts'
import type { OutgoingStore } from '../sending/outgoing-store.ts'
import { createBatcher } from '../storage/batcher.ts'
import { whenBack } from '../storage/when-back.ts'
import type { LinkRules, Visit } from './link-rules.ts'
import { linkTarget } from './link-target.ts'
import { type Click, type RecordClicksDeps, recordClicks } from './record-clicks.ts'

export interface TrackedLinksDeps extends RecordClicksDeps {
  readonly outgoing: Pick<OutgoingStore, 'lock' | 'idsByReference' | 'read'>
  readonly rules: LinkRules
  readonly settings: (accountId: number, channelId?: string) => Promise<AccountSettings>
  /** The installation's portal, where an account names none. */
  readonly portalUrl: string | undefined
  readonly metrics: Metrics
}

export type OpenedLink =
  | { readonly outcome: 'redirect'; readonly url: string }
  | { readonly outcome: 'expired'; readonly language: string }
  | { readonly outcome: 'unknown' }

export interface TrackedLinks {
  /**
   * Follows a link. The click is written down first where that is quick; else it is noted as soon as the database
   * takes it, and the customer is not kept waiting.
   * @param token the random reference of the message that carries the link
   * @throws when the database cannot be read: where the link leads is not known then
   */
  open(token: string, visit: Visit): Promise<OpenedLink>
  /** Resolves when the clicks that can be written down are. */
  drain(): Promise<void>
}

/** 128 random bits, as every reference of a message. */
const tokenPattern = /^[\w-]{22}$/
/** A customer does not wait longer for the note of the click. */
const patienceMs = 500
/** So long a database that takes no writes is tried. */
const keepMs = 600_000
/** Clicks that wait for it at most; more are not counted. */
const maxKept = 10_000
/** Links that wait to be looked up at most; beyond it a visitor is asked to come again. */
const maxLookups = 1_000

/** What a request for a link was. */
type Result = 'click' | 'preview' | 'expired' | 'unknown'

export function createTrackedLinks(deps: TrackedLinksDeps): TrackedLinks {
  const { outgoing, rules, now, metrics } = deps
  const lookups = createBatcher<string, OutgoingRecord | undefined>({
    flush: async (tokens) => {
      const ids = await outgoing.idsByReference([...new Set(tokens)])
      const messages = await outgoing.read(deps.database, [...ids.values()])
      return tokens.map((token) => messages.get(ids.get(token) ?? 0))
    },
    maxWaiting: maxLookups,
  })
  const clicks = createBatcher<Click, undefined>({ flush: (group) => recordClicks(deps, group) })
  let kept = 0

  const note = async (click: Click) => {
    if (kept >= maxKept) return void metrics.links.inc({ result: 'uncounted' })
    kept++
    try {
      await whenBack(keepMs, () => clicks.add(click))
    } finally {
      kept--
    }
  }
  const open = async (token: string, visit: Visit): Promise<OpenedLink & { readonly result: Result }> => {
    const message = tokenPattern.test(token) ? await lookups.add(token) : undefined
    const portal = message?.content?.type === 'link' ? await portalOf(deps, message) : undefined
    if (!message || !portal) return { outcome: 'unknown', result: 'unknown' }
    const { snapshot } = message
    if (now().getTime() > message.createdAt.getTime() + rules.lifetimeMs) {
      return { outcome: 'expired', language: snapshot.language ?? 'en', result: 'expired' }
    }
    const redirect = { outcome: 'redirect', url: linkTarget(portal, snapshot.trackingId) } as const
    if (rules.isPreview(visit)) return { ...redirect, result: 'preview' }
    await Promise.race([note({ messageId: message.id, at: now() }), sleep(patienceMs, undefined, { ref: false })])
    return { ...redirect, result: 'click' }
  }
  return {
    async open(token, visit) {
      const { result, ...opened } = await open(token, visit)
      metrics.links.inc({ result })
      return opened
    },
    drain: clicks.idle,
  }
}

async function portalOf({ settings, portalUrl }: TrackedLinksDeps, message: OutgoingRecord) {
  const own = await settings(message.accountId, message.snapshot.channelId)
  return own.portalUrl ?? portalUrl
}
