/** The list of kinds: a new one is one new file, and one line here. */

import type { ReasonTable } from '../reason.ts'
import type { TemplateCatalog } from '../template-catalog.ts'
import { createFdrKind } from './fdr.ts'
import type { NotificationKind } from './kind.ts'

export interface KindDeps {
  readonly reasons: ReasonTable
  readonly catalog: TemplateCatalog
  /** Shipment updates that end the conversations about their shipment. */
  readonly closing: ReadonlySet<string>
}

export const createKinds = (deps: KindDeps): readonly NotificationKind[] => [createFdrKind(deps)]
