/** What the newest messages show. */

import type { ConnectionCheck } from '../contract/provider.ts'
import { unwell, well } from './finding.ts'
import type { RecentSends } from './recent-sends.ts'

/** A few may be on their way or to phones that are off for good. */
const fewestToJudge = 5

export const sendFindings = (sends: RecentSends): ConnectionCheck[] => [reportFinding(sends), ...billingFindings(sends)]

function reportFinding({ accepted, unreported }: RecentSends): ConnectionCheck {
  if (accepted === 0)
    return well('reports', 'No message was taken more than 10 minutes ago, so no report can be missing yet.')
  const share = `${unreported} of the newest ${accepted} messages`
  if (unreported === 0) return well('reports', `The newest ${accepted} messages have reports.`)
  const isSome = accepted >= fewestToJudge && unreported * 2 < accepted
  if (isSome) return well('reports', `Of ${share} nothing was reported.`)
  return unwell(
    'reports',
    `Of ${share} nothing was reported: they were taken, and what became of them is not known.`,
    'See whether webhooks arrive (above): the callback URL, the subscription and the secret.',
  )
}

function billingFindings({ billingProblemAt, acceptedAt }: RecentSends): ConnectionCheck[] {
  if (!billingProblemAt || (acceptedAt && acceptedAt > billingProblemAt)) return []
  return [
    unwell(
      'payment',
      `A message was refused at ${billingProblemAt.slice(0, 19)} UTC because of a payment problem of the account.`,
      "Add or renew the payment method in the provider's business settings.",
    ),
  ]
}
