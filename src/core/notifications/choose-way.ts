/** What is said and through which connection: the first wording that may be sent. */

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

/** Where none may be sent, the first tells why: it is what should have been sent. */
export async function chooseWay(
  deps: SenderDeps & TemplateDeps,
  content: NoticeContent,
  settings: AccountSettings,
  wish: SenderWish,
): Promise<Way | undefined> {
  let best: Way | undefined
  for (const wording of wordingChoices(deps, content, settings)) {
    const way = { wording, chosen: await chooseSender(deps, wish, wording.template) }
    // Without a connection no other wording has one either.
    if (!('none' in way.chosen) || way.chosen.code === 'no_connection') return way
    best ??= way
  }
  return best
}
