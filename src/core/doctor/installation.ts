/** What is right and wrong with the installation itself, before any connection is asked about. */

import type { ConnectionCheck } from '../contract/provider.ts'
import { unwell, well } from './finding.ts'

export interface InstallationFacts {
  /** Why the database cannot be used; undefined = it can. */
  readonly databaseProblem: string | undefined
  /** Why the broker cannot be reached; null = none is configured. */
  readonly brokerProblem: string | null | undefined
  readonly publicUrl: string | undefined
  readonly ndrApiUrl: string | undefined
  readonly isEnabled: boolean
}

export const installationFindings = (facts: InstallationFacts): ConnectionCheck[] => [
  databaseFinding(facts),
  brokerFinding(facts),
  publicUrlFinding(facts),
  facts.ndrApiUrl
    ? well('courier side', 'Decisions of customers are told to NDR_API_URL.')
    : unwell('courier side', 'NDR_API_URL is not set: decisions of customers are kept and told to nobody.', 'Set it.'),
  facts.isEnabled
    ? well('switch', 'The installation sends notifications.')
    : unwell('switch', 'The whole installation is switched off.', 'Set ENABLE_WHATSAPP_NOTIFICATIONS to true.'),
]

const databaseFinding = ({ databaseProblem: problem }: InstallationFacts): ConnectionCheck =>
  problem === undefined
    ? well('database', 'The database answers.')
    : unwell('database', `The database cannot be used: ${problem}.`, 'Check DATABASE_URL, and run npm run migrate.')

function brokerFinding({ brokerProblem: problem }: InstallationFacts): ConnectionCheck {
  if (problem === null) return well('broker', 'None is configured: events come by HTTP.')
  return problem === undefined
    ? well('broker', 'The broker answers.')
    : unwell('broker', `The broker cannot be reached: ${problem}.`, 'Check AMQP_URL.')
}

function publicUrlFinding({ publicUrl }: InstallationFacts): ConnectionCheck {
  const fix = 'Set PUBLIC_URL to the https address under which providers and customers reach this server.'
  if (publicUrl === undefined) return unwell('public URL', 'PUBLIC_URL is not set: no webhook can come in.', fix)
  return publicUrl.startsWith('https://')
    ? well('public URL', `Providers reach this server at ${publicUrl}.`)
    : unwell('public URL', `Providers call https only, and PUBLIC_URL is ${publicUrl}.`, fix)
}
