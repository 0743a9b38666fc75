/** What a message says, in our own terms. Adapters turn it into their vendor's request; it is stored as JSON. */

/** A pre-approved template. `values` keep the order of the body variables; `buttons` the order of the quick replies. */
export interface TemplateContent {
  readonly type: 'template'
  readonly template: { readonly name: string; readonly language: string }
  /** Variable name -> value; insertion order is the positional order. */
  readonly values: Readonly<Record<string, string>>
  /** Payload of each quick-reply button, at most 128 characters. */
  readonly buttons: readonly string[]
  /** Marketing needs the customer's consent; what is not marked is not. */
  readonly isMarketing?: boolean
  /** The free text in whose place it is sent, the window being closed. */
  readonly insteadOf?: string
}

/** What may only be sent within the provider's window after the customer's last message. */
interface FreeForm {
  readonly text: string
  /** Sent when the window is closed; without it nothing is. */
  readonly outsideWindow?: TemplateContent
}

/** Free text, at most 4096 characters; only inside the customer's 24-hour window. */
export interface TextContent extends FreeForm {
  readonly type: 'text'
  /** Says that a wish was heard: the one thing that is said to somebody who wants no messages. */
  readonly confirmsWish?: boolean
}

/** Text with 1 to 3 reply buttons; titles at most 20 characters and unique. Only inside the window. */
export interface ButtonsContent extends FreeForm {
  readonly type: 'buttons'
  readonly buttons: readonly { readonly id: string; readonly title: string }[]
}

/** Text with one button that opens a link; the title at most 20 characters. Only inside the window. */
export interface LinkContent extends FreeForm {
  readonly type: 'link'
  readonly title: string
  readonly url: string
  /** What it is for, as activity events name the action; the recipient does not see it. */
  readonly action?: string
}

export type Content = TemplateContent | TextContent | ButtonsContent | LinkContent
