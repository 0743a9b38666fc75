/** Webhooks from their bytes to stored rows; the same whether they come by HTTP or were kept while the database was away. */

import { type Connection, type ConnectionStore, forProvider } from '../accounts/connections.ts'
import type { InboundEvent } from '../contract/events.ts'
import type { ProviderAdapter } from '../contract/provider.ts'
import { isRefusedValue } from '../storage/database-errors.ts'
import { webhookBounds, whyBeyond } from './json-bounds.ts'
import type { VerifiedWebhook } from './receive.ts'

/** A webhook whose origin is proved, as it came. */
export interface RawWebhook {
  readonly provider: string
  /** The unguessable part of its URL; undefined for the platform's own. */
  readonly key: string | undefined
  readonly body: Buffer
  readonly receivedAt: Date
}

export interface WebhookIntake {
  /** The connections that a URL stands for; none when nobody was given it, or the number proved to be another's. */
  ownersOf(provider: string, key: string | undefined): Promise<readonly Connection[]>
  /** Resolves once everything in the webhook is committed; rejects when it could not be stored. */
  store(webhook: RawWebhook): Promise<void>
}

export interface IntakeDeps {
  readonly connections: Pick<ConnectionStore, 'byWebhookKey' | 'platform' | 'list'>
  readonly adapter: (provider: string) => ProviderAdapter
  readonly receive: (webhook: VerifiedWebhook) => Promise<unknown>
}

export function createWebhookIntake(deps: IntakeDeps): WebhookIntake {
  const { connections, receive } = deps
  const ownersOf = async (provider: string, key: string | undefined): Promise<readonly Connection[]> => {
    const connection = key === undefined ? undefined : await connections.byWebhookKey(key)
    const found = key === undefined ? await connections.platform() : connection ? [connection] : []
    return found.filter((owner) => owner.provider === provider && !owner.isSetAside)
  }
  return {
    ownersOf,
    async store(webhook) {
      const { body } = webhook
      const owners = await ownersOf(webhook.provider, webhook.key)
      const events = parse(deps, webhook, owners)
      const related = events.some(({ part }) => part.type === 'account_news') ? await relatedTo(deps, owners) : owners
      await receive({ connections: owners, related, events }).catch((error) => {
        // Whatever else went wrong may be over when it comes again.
        if (!isRefusedValue(error)) throw error
        return receive({ connections: owners, related, events: unreadable(body, `not storable: ${error}`) })
      })
    },
  }
}

/** All numbers of the same owner: news of an account concerns each of them, through whichever URL it comes. */
async function relatedTo({ connections }: IntakeDeps, [owner]: readonly Connection[]): Promise<readonly Connection[]> {
  if (!owner) return []
  const ofAccount = await connections.list(owner.accountId)
  return ofAccount.filter(({ provider, isSetAside }) => provider === owner.provider && !isSetAside)
}

const unreadable = (body: Buffer, why: string): InboundEvent[] => [
  { part: { type: 'unreadable', why, raw: body.toString('utf8') } },
]

/** Five times what any vendor sends in one webhook; more would hold up everybody else's. */
const maxParts = 5_000

/** A body that is signed and still unreadable is kept whole for a person; asking for it again would not mend it. */
function parse(
  { adapter }: IntakeDeps,
  { provider, body, receivedAt }: RawWebhook,
  owners: readonly Connection[],
): InboundEvent[] {
  const why = whyBeyond(body, webhookBounds)
  if (why) return unreadable(body, why)
  try {
    const events = adapter(provider).parse(body, owners.map(forProvider), receivedAt)
    return events.length > maxParts ? unreadable(body, `more than ${maxParts} parts`) : events
  } catch (error) {
    return unreadable(body, String(error))
  }
}
