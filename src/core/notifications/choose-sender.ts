/** Through which connection an account's message goes, looked up: its own, the platform's, the fallback. */

import type { Connection } from '../accounts/connections.ts'
import type { TemplateHealth } from '../accounts/template-health.ts'
import type { TemplateKey } from '../contract/events.ts'
import { templateKey } from '../contract/provider.ts'
import { type ChosenRoute, chooseRoute, type TemplateTrouble } from '../sending/route.ts'

export interface SenderDeps {
  readonly connection: (id: number) => Promise<Connection | undefined>
  readonly platformConnection: () => Promise<Connection | undefined>
  /** Is the connection's circuit breaker closed? */
  readonly answers: (connection: Connection) => boolean
  /** What the provider says of a template at a connection. */
  readonly templateHealth: TemplateHealth['get']
  /** Must the connection itself say what stands for a template there? */
  readonly mapsTemplates: (connection: Connection) => boolean
}

/** Which connection is wished for; undefined: the platform's. */
export interface SenderWish {
  readonly connectionId: number | undefined
  /** For this message, and not by the account's settings. */
  readonly isAskedFor: boolean
}

/** @param template undefined: free text, which only the connection may send that the customer wrote to */
export async function chooseSender(
  deps: SenderDeps,
  { connectionId, isAskedFor }: SenderWish,
  template: TemplateKey | undefined,
): Promise<ChosenRoute> {
  const namesOwn = connectionId !== undefined
  const own = connectionId === undefined ? undefined : await deps.connection(connectionId)
  const platform = namesOwn ? undefined : await deps.platformConnection()
  const fallbackId = template && (own ?? platform)?.fallbackConnectionId
  const fallback = fallbackId === undefined ? undefined : await deps.connection(fallbackId)
  const troubles = await templateTroubles(deps, template, [own, platform, fallback])
  return chooseRoute({
    own,
    namesOwn,
    isAskedFor,
    platform,
    fallbackOf: () => fallback,
    answers: deps.answers,
    templateTrouble: ({ id }) => troubles.get(id),
  })
}

const troubleOf = { usable: undefined, not_approved: 'template_not_approved', paused: 'template_paused' } as const

/** What speaks against a template at each of these connections. */
async function templateTroubles(
  deps: SenderDeps,
  template: TemplateKey | undefined,
  connections: readonly (Connection | undefined)[],
): Promise<Map<number, TemplateTrouble>> {
  const troubles = new Map<number, TemplateTrouble>()
  if (!template) return troubles
  for (const connection of connections) {
    const trouble = connection && (await templateTrouble(deps, template, connection))
    if (connection && trouble) troubles.set(connection.id, trouble)
  }
  return troubles
}

async function templateTrouble(
  { templateHealth, mapsTemplates }: SenderDeps,
  template: TemplateKey,
  connection: Connection,
): Promise<TemplateTrouble | undefined> {
  if (mapsTemplates(connection))
    return Object.hasOwn(connection.templates, templateKey(template)) ? undefined : 'template_not_mapped'
  const use = (await templateHealth(connection.id, template))?.use
  return use ? troubleOf[use] : undefined
}
