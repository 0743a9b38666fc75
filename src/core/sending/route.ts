/** Through which connection a message leaves: pure. */

import type { Connection } from '../accounts/connections.ts'
import type { Route } from './outgoing-message.ts'

export interface RouteChoices {
  /** The connection that the account's settings name. */
  readonly own: Connection | undefined
  /** Did the account name one at all? */
  readonly namesOwn: boolean
  readonly platform: Connection | undefined
}

export type ChosenRoute = { readonly connection: Connection; readonly route: Route } | { readonly none: string }

/** The account's own connection if it has one, else the platform's. A named one that is gone is never replaced. */
export function chooseRoute({ own, namesOwn, platform }: RouteChoices): ChosenRoute {
  if (own && own.state !== 'deleted') return chosen(own, "account's own connection")
  if (namesOwn) return { none: "the account's connection does not exist" }
  if (platform) return chosen(platform, "platform's default connection")
  return { none: 'there is no default connection' }
}

const chosen = (connection: Connection, why: string): ChosenRoute => ({
  connection,
  route: { connectionId: connection.id, why },
})
