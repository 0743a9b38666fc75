/** Webhooks of providers: verified over the raw bytes, stored, and only then answered. */

import { randomBytes } from 'node:crypto'
import type { Connection } from '../../core/accounts/connections.ts'
import { forProvider } from '../../core/accounts/connections.ts'
import type { Capabilities, ProviderAdapter, ProviderDefinition, WebhookRequest } from '../../core/contract/provider.ts'
import type { WebhookNotes } from '../../core/doctor/webhook-notes.ts'
import type { RawWebhook, WebhookIntake } from '../../core/inbound/intake.ts'
import type { Logger } from '../../core/observe/logger.ts'
import type { Metrics } from '../../core/observe/metrics.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'
import { constantTimeEqual } from '../steps/authenticate.ts'

export interface WebhookHandlerDeps {
  readonly intake: WebhookIntake
  readonly adapter: (provider: string) => ProviderAdapter
  readonly notes: Pick<WebhookNotes, 'due' | 'write'>
  /**
   * Keeps a webhook outside of the database; resolves once that is sure. Only called for providers that do not send
   * again what was not answered 200. Undefined where there is no such place.
   */
  readonly keep: ((webhook: RawWebhook) => Promise<void>) | undefined
  readonly log: Logger
  readonly metrics: Metrics
}

export type WebhookProvider = Pick<ProviderDefinition, 'id' | 'webhookSubpaths'> & {
  readonly capabilities: Pick<Capabilities, 'retriesWebhooks' | 'webhookProof'>
}

const nobodysToken = randomBytes(18).toString('base64url')

type Result = 'stored' | 'kept' | 'not_stored' | 'forged'

/** Handlers for one provider; the same for a connection's own URL and for the platform's. */
export function createWebhookHandlers(deps: WebhookHandlerDeps, provider: WebhookProvider) {
  const { intake, metrics } = deps
  const behindUrl = (key: string | undefined): Promise<readonly Connection[]> => intake.ownersOf(provider.id, key)
  const receive = async ({ params, headers, body }: RequestFacts<Buffer>): Promise<void> => {
    const owners = await behindUrl(params.key)
    const count = (result: Result) => metrics.webhooks.inc({ provider: provider.id, result })
    if (!deps.adapter(provider.id).verify({ headers, body }, owners.map(forProvider))) {
      count('forged')
      noteRefused(deps, owners)
      throw new HttpProblem(401, 'refused')
    }
    noteAccepted(deps, provider, owners, { headers, body })
    const webhook = { provider: provider.id, key: params.key, body, receivedAt: new Date() }
    count(await store(deps, provider, webhook, count))
  }
  return {
    /** Does a webhook prove whom it is from? Only then one URL can serve the whole platform, and a handshake is made. */
    isSigned: provider.capabilities.webhookProof === 'signature',
    subpaths: provider.webhookSubpaths ?? [],

    /** The handshake when the URL is entered at the provider. */
    async handshake({ params, query }: RequestFacts<undefined, Record<string, string>>): Promise<Reply> {
      const owners = await behindUrl(params.key)
      const challenge = query['hub.challenge'] ?? ''
      const token = query['hub.verify_token'] ?? ''
      // With nobody there as well: whoever asks should not learn from the time it takes whether anybody is.
      const expected = owners.length > 0 ? owners.map(({ verifyToken }) => verifyToken) : [nobodysToken]
      const isOurs = expected.filter((verifyToken) => constantTimeEqual(verifyToken, token)).length > 0
      if (query['hub.mode'] !== 'subscribe' || !isOurs || !/^[\w.-]{1,200}$/.test(challenge))
        throw new HttpProblem(403, 'refused')
      return { status: 200, body: challenge }
    },

    /** Nobody's URL: its body is not even read. */
    async admit({ key }: Readonly<Record<string, string>>): Promise<void> {
      if ((await behindUrl(key)).length === 0) throw notFound('webhook')
    },

    async receive(request: RequestFacts<Buffer>): Promise<Reply> {
      await receive(request)
      return { status: 200 }
    },

    /** The same for callers who want to read that it went well. */
    async receiveCall(request: RequestFacts<Buffer>): Promise<Reply> {
      await receive(request)
      return { status: 200, body: { ok: true } }
    },
  }
}

/** Nobody waits for it: that it is missing only makes a doctor say less. */
const writeNote = ({ notes, log }: WebhookHandlerDeps, of: readonly Connection[], note: 'accepted' | 'refused') =>
  void notes.write(of, note).catch((error) => log.debug({ err: error }, 'a webhook could not be noted'))

function noteRefused(deps: WebhookHandlerDeps, owners: readonly Connection[]): void {
  const due = deps.notes.due(owners, 'refused')
  if (due.length > 0) writeNote(deps, due, 'refused')
}

/** Several connections may share the URL: only those whose own secret fits have proved it. */
function noteAccepted(
  deps: WebhookHandlerDeps,
  { id }: WebhookProvider,
  owners: readonly Connection[],
  request: WebhookRequest,
): void {
  const due = deps.notes.due(owners, 'accepted')
  if (due.length === 0) return
  const proved = due.filter((owner) => deps.adapter(id).verify(request, [forProvider(owner)]))
  if (proved.length > 0) writeNote(deps, proved, 'accepted')
}

/** What is answered 200 is committed, or kept where it cannot be lost. */
async function store(
  deps: WebhookHandlerDeps,
  { capabilities: { retriesWebhooks } }: WebhookProvider,
  webhook: RawWebhook,
  count: (result: Result) => void,
): Promise<'stored' | 'kept'> {
  try {
    await deps.intake.store(webhook)
    return 'stored'
  } catch (error) {
    deps.log.warn({ err: error }, 'webhook could not be stored')
    if (!retriesWebhooks && deps.keep) {
      await deps.keep(webhook).catch((cause: unknown) => {
        deps.log.warn({ err: cause }, 'webhook could not be kept either')
        notStored(count)
      })
      return 'kept'
    }
    return notStored(count)
  }
}

/** Providers that try again do so for days. */
function notStored(count: (result: Result) => void): never {
  count('not_stored')
  throw new HttpProblem(503, 'not stored; try again')
}
