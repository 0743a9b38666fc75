/** What is said and through which connection: the first wording that may be sent. */

import type { Connection } from '../accounts/connections.ts'
import type { AccountSettings } from '../accounts/settings.ts'
import type { ChosenRoute } from '../sending/route.ts'
import { chooseSender, type SenderDeps, type SenderWish } from './choose-sender.ts'
import type { TemplateDeps } from './choose-template.ts'
import type { NoticeContent } from './kinds/kind.ts'
import { type Wording, wordingChoices } from './wording.ts'

export interface Way {
  readonly wording: Wording
  readonly chosen: ChosenRoute
}

/**
 * A template of which the provider says nothing counts as usable, unless its list shows another choice and not this one.
 * Where none may be sent, the first tells why: it is what should have been sent.
 */
export async function chooseWay(
  deps: SenderDeps & TemplateDeps,
  content: NoticeContent,
  settings: AccountSettings,
  wish: SenderWish,
): Promise<Way | undefined> {
  let [refused, unheardOf]: (Way | undefined)[] = []
  for (const wording of wordingChoices(deps, content, settings)) {
    const chosen = await chooseSender(deps, wish, wording.template)
    const way = { wording, chosen }
    if ('none' in chosen) {
      // Without a connection no other wording has one either.
      if (chosen.code === 'no_connection') return way
      refused ??= way
      continue
    }
    const said = await whatIsSaid(deps, wording, chosen.connection)
    if (said === 'listed' || (said === 'usable' && !unheardOf)) return way
    unheardOf ??= way
  }
  return unheardOf ?? refused
}

/** Why a wording may be sent there: `usable` by a single piece of news, `listed` by all that the provider has. */
async function whatIsSaid(
  { templateHealth, mapsTemplates }: SenderDeps,
  { template }: Wording,
  connection: Connection,
): Promise<'usable' | 'listed' | 'nothing'> {
  if (!template || mapsTemplates(connection)) return 'listed'
  const known = await templateHealth(connection.id, template)
  if (known?.use !== 'usable') return 'nothing'
  return known.isListed ? 'listed' : 'usable'
}
