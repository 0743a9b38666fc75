/** Do webhooks arrive, and do they prove themselves? */

import type { ConnectionCheck } from '../contract/provider.ts'
import { unwell, well } from './finding.ts'
import type { WebhookTimes } from './webhook-notes.ts'

export interface WebhookFacts {
  readonly times: WebhookTimes
  /** Does the provider sign them? */
  readonly isSigned: boolean
}

export function webhookFindings({ times, isSigned }: WebhookFacts): ConnectionCheck[] {
  return isSigned ? [proofFinding(times), ...forgeryFindings(times)] : [seenFinding(times)]
}

/** Without the URL: it is a secret, and findings are for everybody who may look. */
const howToSee =
  'Enter the callback URL of this connection (its webhook.callbackUrl) at the provider, subscribe to messages, then write to the business phone.'

const seenFinding = ({ acceptedAt, refusedAt }: WebhookTimes): ConnectionCheck => {
  if (acceptedAt) return well('last webhook', `The newest webhook arrived at ${acceptedAt.toISOString()}.`)
  return refusedAt
    ? unwell(
        'last webhook',
        `Webhooks arrive, the newest at ${refusedAt.toISOString()}, but without what this connection asks them to carry.`,
        'Give the provider the same user and password as this connection has.',
      )
    : unwell('last webhook', 'No webhook has arrived yet: reports and replies are not known.', howToSee)
}

function proofFinding({ acceptedAt, refusedAt }: WebhookTimes): ConnectionCheck {
  if (acceptedAt)
    return well(
      'last webhook',
      `A webhook that is signed with the app secret arrived at ${acceptedAt.toISOString()}: the secret is right.`,
    )
  if (refusedAt)
    return unwell(
      'last webhook',
      `Webhooks arrive, the newest at ${refusedAt.toISOString()}, but none is signed with the app secret that is stored here.`,
      'Copy the app secret anew from the very app whose callback URL this is, and change it here.',
    )
  return unwell(
    'last webhook',
    'No webhook has arrived yet: reports and replies are not known, and the app secret is not proved.',
    howToSee,
  )
}

/** After a good one: somebody else's attempt, or a secret that was changed at the provider and not here. */
function forgeryFindings({ acceptedAt, refusedAt }: WebhookTimes): ConnectionCheck[] {
  if (!acceptedAt || !refusedAt || refusedAt <= acceptedAt) return []
  return [
    unwell(
      'webhook signature',
      `A webhook came at ${refusedAt.toISOString()} that is not signed with the app secret; it was refused.`,
      'If the app secret was reset at the provider, enter the new one here and keep the old one as the previous secret; else somebody tried to forge a webhook, and nothing is to be done.',
    ),
  ]
}
