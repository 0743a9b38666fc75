/** "Did order #98079 get its message, and what did the customer answer?" */

import { z } from 'zod'
import type { TemplateCatalog } from '../../core/notifications/template-catalog.ts'
import { type Resolution, resolutions } from '../../core/sending/resolve-by-hand.ts'
import type { MessageFilter, Messages } from '../../core/timeline/messages.ts'
import { actorOf } from '../caller.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { rowId } from '../steps/validate.ts'

export interface MessageHandlerDeps {
  readonly messages: Messages
  readonly catalog: TemplateCatalog
  readonly resolve: (
    id: number,
    resolution: Resolution,
    actor: string,
  ) => Promise<{ readonly isChanged: boolean } | undefined>
}

export const resolveSchema = z.strictObject({ action: z.enum(resolutions) })

export const createMessageHandlers = ({ messages, catalog, resolve }: MessageHandlerDeps) => ({
  async list({ query }: RequestFacts<undefined, MessageFilter>): Promise<Reply> {
    return { status: 200, body: await messages.list(query) }
  },

  async get({ params }: RequestFacts): Promise<Reply> {
    const id = rowId(params.id)
    const found = id === undefined ? undefined : await messages.timeline(id)
    if (!found) throw notFound('message')
    return { status: 200, body: found }
  },

  /** An operator decides what a message is whose fate is not known. */
  async resolve({ params, body, caller }: RequestFacts<z.infer<typeof resolveSchema>>): Promise<Reply> {
    const id = rowId(params.id)
    const result = id === undefined ? undefined : await resolve(id, body.action, actorOf(caller))
    if (id === undefined || !result) throw notFound('message')
    if (!result.isChanged) throw new HttpProblem(409, 'only messages that are in doubt or unknown can be resolved')
    return { status: 200, body: (await messages.timeline(id)) ?? {} }
  },

  /** The built-in templates as they are registered with a provider. */
  async templates(): Promise<Reply> {
    const items = catalog.keys.flatMap((key) =>
      catalog.languages.map((language) => ({
        name: key,
        language,
        variables: catalog.template(key, language).variables,
        registration: catalog.registrationForm(key, language),
      })),
    )
    return { status: 200, body: { items } }
  },
})
