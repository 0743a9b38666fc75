/** Through which connection a message leaves: pure. */

import type { Connection } from '../accounts/connections.ts'
import { type Failure, failureKind } from '../contract/failures.ts'
import type { Route } from './outgoing-message.ts'

export interface RouteChoices {
  /** The connection that the account's settings name. */
  readonly own: Connection | undefined
  /** Did the account name one at all? */
  readonly namesOwn: boolean
  readonly platform: Connection | undefined
  /** The other connection that the chosen one names for when it cannot send. */
  readonly fallbackOf: (connection: Connection) => Connection | undefined
  /** Is its circuit breaker closed? */
  readonly answers: (connection: Connection) => boolean
}

export type ChosenRoute = { readonly connection: Connection; readonly route: Route } | { readonly none: string }

/**
 * The account's own connection if it has one, else the platform's. A named one that is gone is never replaced; one that
 * is paused or does not answer is, by its fallback, if that one can send.
 */
export function chooseRoute(choices: RouteChoices): ChosenRoute {
  const { own, namesOwn, platform } = choices
  if (own && own.state !== 'deleted') return withFallback(own, "account's own connection", choices)
  if (namesOwn) return { none: "the account's connection does not exist" }
  if (platform) return withFallback(platform, "platform's default connection", choices)
  return { none: 'there is no default connection' }
}

function withFallback(connection: Connection, why: string, { fallbackOf, answers }: RouteChoices): ChosenRoute {
  const trouble = whyNot(connection, answers)
  const fallback = trouble ? fallbackOf(connection) : undefined
  if (!trouble || !fallback || whyNot(fallback, answers)) return chosen(connection, why)
  return chosen(fallback, `fallback: ${why} ${trouble}`)
}

const whyNot = (connection: Connection, answers: (connection: Connection) => boolean): string | undefined => {
  if (connection.state !== 'active') return `is paused (${connection.stateReason ?? 'no reason given'})`
  return answers(connection) ? undefined : 'does not answer'
}

const chosen = (connection: Connection, why: string): ChosenRoute => ({
  connection,
  route: { connectionId: connection.id, why },
})

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
