/** The whole route table, without anybody behind it. */

import type { Route } from '../../src/http/route.ts'
import { createRoutes, type Handlers } from '../../src/http/routes.ts'
import { providers, webhookAliases } from '../../src/providers/index.ts'

const webhook = { isSigned: true, subpaths: ['actions'], admit: async () => {} }

export const routeTable: readonly Route[] = createRoutes(
  new Proxy(
    { webhooks: Object.fromEntries(providers.map(({ id }) => [id, webhook])), webhookAliases },
    { get: (given, name) => Reflect.get(given, name) ?? {} },
  ) as unknown as Handlers,
)
