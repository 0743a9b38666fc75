/** Through which connection a message leaves: pure. */

import type { Connection } from '../accounts/connections.ts'
import type { Content, TemplateContent } from '../contract/content.ts'
import { type Failure, failureKind } from '../contract/failures.ts'
import { type Capabilities, templateKey } from '../contract/provider.ts'
import type { Route } from './outgoing-message.ts'

export interface RouteChoices {
  /** The connection that the account's settings name. */
  readonly own: Connection | undefined
  /** Did the account name one at all? */
  readonly namesOwn: boolean
  /** Was it named for this message? */
  readonly isAskedFor: boolean
  readonly platform: Connection | undefined
  /** The other connection that the chosen one names for when it cannot send. */
  readonly fallbackOf: (connection: Connection) => Connection | undefined
  /** Is its circuit breaker closed? */
  readonly answers: (connection: Connection) => boolean
  /** Why the provider takes no message of this template there; undefined when it does, or nothing is known. */
  readonly templateTrouble: (connection: Connection) => TemplateTrouble | undefined
}

export type TemplateTrouble = 'template_not_approved' | 'template_paused' | 'template_not_mapped'

/** `code` says stably why there is no route, `none` in words. */
export type ChosenRoute =
  | { readonly connection: Connection; readonly route: Route }
  | { readonly none: string; readonly code: 'no_connection' | TemplateTrouble }

/**
 * The account's own connection if it has one, else the platform's. A named one that is gone is never replaced; one that
 * is paused, does not answer or lacks the template is, by its fallback, if that one can send. What only waits for its
 * connection is kept; without a template that may be used there is nothing to wait for.
 */
export function chooseRoute(choices: RouteChoices): ChosenRoute {
  const { own, namesOwn, isAskedFor, platform } = choices
  const whyOwn = isAskedFor ? 'the connection that was asked for' : "account's own connection"
  if (own && own.state !== 'deleted') return withFallback(own, whyOwn, choices)
  if (namesOwn) return { none: "the account's connection does not exist", code: 'no_connection' }
  if (platform) return withFallback(platform, "platform's default connection", choices)
  return { none: 'there is no default connection', code: 'no_connection' }
}

function withFallback(connection: Connection, why: string, choices: RouteChoices): ChosenRoute {
  const trouble = whyNot(connection, choices)
  const fallback = trouble ? choices.fallbackOf(connection) : undefined
  if (trouble && fallback && !whyNot(fallback, choices)) return chosen(fallback, `fallback: ${why} ${trouble}`)
  const code = choices.templateTrouble(connection)
  return code ? { none: `${why} ${troubleWords[code]}`, code } : chosen(connection, why)
}

const troubleWords: Readonly<Record<TemplateTrouble, string>> = {
  template_not_approved: 'has no approval for the template',
  template_paused: 'has the template paused or disabled',
  template_not_mapped: 'has nothing mapped to the template',
}

function whyNot(connection: Connection, { answers, templateTrouble }: RouteChoices): string | undefined {
  if (connection.state !== 'active') return `is paused (${connection.stateReason ?? 'no reason given'})`
  if (!answers(connection)) return 'does not answer'
  const trouble = templateTrouble(connection)
  return trouble && troubleWords[trouble]
}

const chosen = (connection: Connection, why: string): ChosenRoute => ({
  connection,
  route: { connectionId: connection.id, why },
})

/** Is nothing known at that connection against the use of a template? */
export type IsTemplateUsable = (connectionId: number, template: TemplateContent['template']) => Promise<boolean>

/** Can this be sent through that connection at all? */
export type CanCarry = (connection: Connection, content: Content | null) => boolean

/** By what its provider can do and, where templates are mapped, by what the connection maps. */
export const createCanCarry =
  (capabilitiesOf: (connection: Connection) => Capabilities | undefined): CanCarry =>
  (connection, content) => {
    const capabilities = capabilitiesOf(connection)
    if (!capabilities || !content) return false
    if (content.type !== 'template') return capabilities.freeForm
    return capabilities.templates === 'registered' || Object.hasOwn(connection.templates, templateKey(content.template))
  }

/**
 * After an attempt that provably sent nothing: does the message go on through the fallback? Only once, so that two
 * connections that name each other do not play ping-pong.
 */
export function reroute(
  failure: Failure,
  from: Connection,
  fallback: Connection | undefined,
  why: string,
): Route | undefined {
  if (fallback?.state !== 'active' || why.startsWith('fallback:')) return undefined
  if (!failureKind(failure.code).tryNextConnection) return undefined
  return { connectionId: fallback.id, why: `fallback: connection ${from.id} refused (${failure.code})` }
}
