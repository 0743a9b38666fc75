/** "Did order #98079 get its message, and what did the customer answer?" */

import type { TemplateCatalog } from '../../core/notifications/template-catalog.ts'
import type { MessageFilter, Messages } from '../../core/timeline/messages.ts'
import { notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { rowId } from '../steps/validate.ts'

export interface MessageHandlerDeps {
  readonly messages: Messages
  readonly catalog: TemplateCatalog
  /** Where a tracked link leads; undefined when there is no such link. */
  readonly linkTarget: (token: string) => Promise<string | undefined>
}

export const createMessageHandlers = ({ messages, catalog, linkTarget }: MessageHandlerDeps) => ({
  async list({ query }: RequestFacts<undefined, MessageFilter>): Promise<Reply> {
    return { status: 200, body: await messages.list(query) }
  },

  async get({ params }: RequestFacts): Promise<Reply> {
    const id = rowId(params.id)
    const found = id === undefined ? undefined : await messages.timeline(id)
    if (!found) throw notFound('message')
    return { status: 200, body: found }
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

  async follow({ params }: RequestFacts): Promise<Reply> {
    const target = await linkTarget(params.token ?? '')
    if (!target) throw notFound('link')
    return { status: 302, headers: { location: target, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } }
  },
})
