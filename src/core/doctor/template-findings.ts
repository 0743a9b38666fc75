/** Per reason: is there a template that may be sent and fits? */

import type { Connection } from '../accounts/connections.ts'
import type { AccountSettings } from '../accounts/settings.ts'
import { failureKind } from '../contract/failures.ts'
import { type Capabilities, type ConnectionCheck, templateKey } from '../contract/provider.ts'
import type { TemplateList } from '../contract/templates.ts'
import type { KindTemplate } from '../notifications/kinds/kind-template.ts'
import type { TemplateCatalog } from '../notifications/template-catalog.ts'
import { misfits } from '../templates/fit.ts'
import { templateOf, wantedFor } from '../templates/wanted.ts'
import { unwell, well } from './finding.ts'

export interface TemplateFindingDeps {
  readonly catalog: TemplateCatalog
  readonly capabilities: (connection: Pick<Connection, 'provider'>) => Capabilities | undefined
  readonly settings: (accountId: number) => Promise<AccountSettings>
  /** Asks the provider; undefined where it keeps no list. */
  readonly read: (connection: Connection) => Promise<TemplateList | undefined>
}

export async function templateFindings(deps: TemplateFindingDeps, connection: Connection): Promise<ConnectionCheck[]> {
  const settings = await deps.settings(connection.accountId)
  if (deps.capabilities(connection)?.templates === 'mapped') return mappedFindings(deps, settings, connection)
  const list = await deps.read(connection)
  if (!list) return []
  if ('failure' in list) return [unread(list)]
  return findingsPerReason(deps, settings, ({ reason }, key) =>
    misfits(key, wantedFor(deps.catalog, reason, key.language), list.templates),
  )
}

const unread = ({ failure }: Extract<TemplateList, { readonly failure: unknown }>): ConnectionCheck =>
  unwell(
    'templates',
    `The templates could not be read: ${failureKind(failure.code).text}`,
    'Mend what is named about token and account, then check again.',
  )

function mappedFindings(deps: TemplateFindingDeps, settings: AccountSettings, { templates }: Connection) {
  return findingsPerReason(deps, settings, (_, key) =>
    Object.hasOwn(templates, templateKey(key))
      ? []
      : [
          {
            text: `Nothing stands for ${templateKey(key)} at the provider.`,
            fix: 'Map it in the "templates" of the connection.',
          },
        ],
  )
}

type Judge = (
  template: KindTemplate,
  key: { readonly name: string; readonly language: string },
) => readonly { readonly text: string; readonly fix: string }[]

/** One finding for each misfit, and one for all reasons that are well. */
function findingsPerReason(
  { catalog }: TemplateFindingDeps,
  settings: AccountSettings,
  judge: Judge,
): ConnectionCheck[] {
  const needed = [...catalog.reasons.values()].filter(
    ({ isForEverybody, reason }) => isForEverybody || settings.templates[reason],
  )
  const judged = needed.flatMap((template) => {
    const key = templateOf(catalog, template, settings)
    return key ? [{ reason: template.reason, found: judge(template, key) }] : []
  })
  const good = judged.filter(({ found }) => found.length === 0).map(({ reason }) => reason)
  const bad = judged.flatMap(({ reason, found }) =>
    found.map(({ text, fix }) => unwell(`template ${reason}`, text, fix)),
  )
  return [...(good.length > 0 ? [well('templates', `Ready to be sent: ${good.join(', ')}.`)] : []), ...bad]
}
