/** Templates as a provider keeps, approves and finds them; only where templates are `registered`. */

import type { TemplateKey, TemplateUse } from './events.ts'
import type { Failure } from './failures.ts'

export interface TemplateVariable {
  readonly name: string
  /** `positional`: values are given in order; `named`: each value must carry the variable's name. */
  readonly kind: 'positional' | 'named'
}

export interface TemplateButton {
  /** The vendor's word in capitals; `QUICK_REPLY` is what a customer taps to answer. */
  readonly type: string
  readonly title: string
}

/** A template as it stands at the vendor. */
export interface RegisteredTemplate extends TemplateKey {
  readonly vendorId?: string
  /** The vendor's word in capitals. */
  readonly status: string
  /** Undefined for a status that changes nothing for messages. */
  readonly use?: TemplateUse
  /** In capitals. */
  readonly category?: string
  readonly quality?: string
  readonly body: string
  /** Of the body, in the order in which values are given. */
  readonly variables: readonly TemplateVariable[]
  readonly buttons: readonly TemplateButton[]
  /** What else a message would have to fill, in words: `the header's image`, `the link of button 3`. */
  readonly otherValues: readonly string[]
}

/** All templates that were asked for, or why they could not be read; never a part of them. */
export type TemplateList = { readonly templates: readonly RegisteredTemplate[] } | { readonly failure: Failure }

interface BodyComponent {
  readonly type: 'BODY'
  readonly text: string
  readonly example?: { readonly body_text: readonly (readonly string[])[] }
}

interface ButtonsComponent {
  readonly type: 'BUTTONS'
  readonly buttons: readonly { readonly type: 'QUICK_REPLY'; readonly text: string }[]
}

/** What messages of a template are: about something that the recipient waits for, or advertising. */
export type TemplateCategory = 'UTILITY' | 'MARKETING'

/** A template to be registered, in WhatsApp's own form. */
export interface RegistrationForm extends TemplateKey {
  readonly category: TemplateCategory
  readonly parameter_format: 'POSITIONAL'
  readonly message_send_ttl_seconds?: number
  readonly components: readonly (BodyComponent | ButtonsComponent)[]
}

/** `exists`: there is one of this name and language, and it was left alone. */
export type Registration =
  | { readonly result: 'registered'; readonly status: string; readonly use?: TemplateUse }
  | { readonly result: 'exists' }
  | { readonly result: 'refused'; readonly failure: Failure }
