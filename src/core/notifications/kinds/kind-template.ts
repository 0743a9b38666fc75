/** The templates by which a kind tells its messages. */

import type { TemplateCategory } from '../../contract/templates.ts'
import type { Action } from '../reason.ts'

export interface KindVariable {
  /** As the template file spells it. */
  readonly name: string
  /** Longest value, in UTF-16 units: a body that could outgrow what WhatsApp takes is refused at start. */
  readonly maxLength: number
  /** For the review by WhatsApp, where the language file has none of its own. */
  readonly example?: string
}

export interface KindTemplate {
  /** What the message is about: an account may name a template of its own for it. Unique among all kinds. */
  readonly reason: string
  /** The built-in one: `config/templates/<name>.<language>.hbs`. */
  readonly name: string
  /** As it is registered. The provider may think otherwise, and decides. */
  readonly category: TemplateCategory
  /** In the order of the template's body. */
  readonly variables: readonly KindVariable[]
  /** Its quick replies, in order; `flows.yaml` says what they lead to. Without any, answers are only passed on. */
  readonly buttons: readonly Action[]
  /** False: sent only for accounts that name a template of their own, so there need be no built-in one. */
  readonly isNotifiedByDefault: boolean
  /** Does every account need it? Else the doctor looks for it only where an account names a template of its own. */
  readonly isForEverybody: boolean
}
