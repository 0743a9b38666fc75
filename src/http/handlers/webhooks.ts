/** Webhooks of providers: verified over the raw bytes, stored, and only then answered. */

import type { Connection, ConnectionStore } from '../../core/accounts/connections.ts'
import { forProvider } from '../../core/accounts/connections.ts'
import type { InboundEvent } from '../../core/contract/events.ts'
import type { ProviderAdapter } from '../../core/contract/provider.ts'
import type { VerifiedWebhook } from '../../core/inbound/receive.ts'
import type { Logger } from '../../core/observe/logger.ts'
import type { Metrics } from '../../core/observe/metrics.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { constantTimeEqual } from '../steps/authenticate.ts'

export interface WebhookHandlerDeps {
  readonly connections: ConnectionStore
  readonly adapter: (provider: string) => ProviderAdapter
  /** Resolves once everything in the webhook is committed. */
  readonly receive: (webhook: VerifiedWebhook) => Promise<unknown>
  /** Something was stored that waits to be applied. */
  readonly received: () => void
  readonly log: Logger
  readonly metrics: Metrics
}

/** Handlers for one provider; the same for a connection's own URL and for the platform's. */
export function createWebhookHandlers(deps: WebhookHandlerDeps, provider: string) {
  const { connections, metrics } = deps
  const behindUrl = async (key: string | undefined): Promise<readonly Connection[]> => {
    if (key === undefined) return (await connections.platform()).filter((own) => own.provider === provider)
    const connection = await connections.byWebhookKey(key)
    return connection?.provider === provider ? [connection] : []
  }
  return {
    /** The handshake when the URL is entered at the provider. */
    async handshake({ params, query }: RequestFacts<undefined, Record<string, string>>): Promise<Reply> {
      const owners = await behindUrl(params.key)
      const challenge = query['hub.challenge'] ?? ''
      const token = query['hub.verify_token'] ?? ''
      const isOurs = owners.some((owner) => constantTimeEqual(owner.verifyToken, token))
      if (query['hub.mode'] !== 'subscribe' || !isOurs || !/^[\w.-]{1,200}$/.test(challenge))
        throw new HttpProblem(403, 'refused')
      return { status: 200, body: challenge }
    },

    /** Nobody's URL: its body is not even read. */
    async admit({ key }: Readonly<Record<string, string>>): Promise<void> {
      if ((await behindUrl(key)).length === 0) throw notFound('webhook')
    },

    async receive({ params, headers, body }: RequestFacts<Buffer>): Promise<Reply> {
      const owners = await behindUrl(params.key)
      const count = (result: string) => metrics.webhooks.inc({ provider, result })
      if (!deps.adapter(provider).verify({ headers, body }, owners.map(forProvider))) {
        count('forged')
        throw new HttpProblem(401, 'refused')
      }
      const events = parse(deps, provider, body)
      await store(deps, { connections: owners, events }, count)
      count('stored')
      deps.received()
      return { status: 200 }
    },
  }
}

/** A body that is signed and still unreadable is kept whole for a person; asking for it again would not mend it. */
function parse({ adapter }: WebhookHandlerDeps, provider: string, body: Buffer): InboundEvent[] {
  try {
    return adapter(provider).parse(body)
  } catch (error) {
    return [{ part: { type: 'unreadable', why: String(error), raw: body.toString('utf8') } }]
  }
}

async function store(
  deps: WebhookHandlerDeps,
  webhook: VerifiedWebhook,
  count: (result: string) => void,
): Promise<void> {
  try {
    await deps.receive(webhook)
  } catch (error) {
    count('not_stored')
    deps.log.warn({ err: error }, 'webhook could not be stored')
    // Providers try again for days; what is not stored is never answered 200.
    throw new HttpProblem(503, 'not stored; try again')
  }
}
