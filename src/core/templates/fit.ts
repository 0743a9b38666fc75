/** Does a template at a provider fit what is to be said with it? Pure. */

import type { TemplateKey } from '../contract/events.ts'
import type { RegisteredTemplate } from '../contract/templates.ts'

/** What a message gives to its template. */
export interface Wanted {
  /** In the order in which their values are given. */
  readonly variables: readonly string[]
  /** Titles of the quick replies as the built-in template has them, in the order of their payloads. */
  readonly buttons: readonly string[]
}

export interface Misfit {
  /** One sentence. */
  readonly text: string
  readonly fix: string
}

/**
 * Everything that speaks against using the template.
 * @param templates those of this name, in all languages
 */
export function misfits(key: TemplateKey, wanted: Wanted, templates: readonly RegisteredTemplate[]): Misfit[] {
  const found = templates.find((one) => one.name === key.name && one.language === key.language)
  if (!found) return [missing(key, templates)]
  return [...statusMisfits(found), ...variableMisfits(found, wanted), ...buttonMisfits(found, wanted)]
}

const shown = ({ name, language }: TemplateKey): string => `${name} (${language})`

function missing(key: TemplateKey, templates: readonly RegisteredTemplate[]): Misfit {
  const languages = templates.filter(({ name }) => name === key.name).map(({ language }) => language)
  return languages.length > 0
    ? {
        text: `The provider has ${key.name} in ${languages.join(', ')}, but not in the language ${key.language}.`,
        fix: `Name one of these languages, or register the template in ${key.language}.`,
      }
    : {
        text: `The provider has no template ${key.name}.`,
        fix: 'Register it there, or correct the name; the built-in ones are registered by one call of this API.',
      }
}

function statusMisfits(found: RegisteredTemplate): Misfit[] {
  const { use, status } = found
  if (use === 'usable' || use === undefined) return []
  if (use === 'paused')
    return [
      {
        text: `${shown(found)} is ${status.toLowerCase()} by the provider and cannot be sent for now.`,
        fix: 'See in the template manager why recipients complained, and improve it or wait for its release.',
      },
    ]
  const isUnderReview = status === 'PENDING' || status === 'IN_APPEAL'
  return [
    {
      text: `${shown(found)} is not approved: its status is ${status}.`,
      fix: isUnderReview
        ? 'Wait for the review, which takes minutes, at most a day.'
        : 'Correct what the provider objects to in the template manager, and submit it again.',
    },
  ]
}

function variableMisfits(found: RegisteredTemplate, { variables }: Wanted): Misfit[] {
  const needed = variables.length > 0 ? `${variables.length}: ${variables.join(', ')}` : 'none'
  const fix = `Give the body exactly these variables, in this order: ${variables.map((name, index) => `{{${index + 1}}} ${name}`).join(', ')}.`
  return [
    ...(found.variables.length === variables.length
      ? []
      : [{ text: `${shown(found)} has ${found.variables.length} variables, and the message gives ${needed}.`, fix }]),
    ...(found.variables.some(({ kind }) => kind === 'named')
      ? [
          {
            text: `${shown(found)} has variables with names (${found.variables.map(({ name }) => name).join(', ')}), and the message gives its values by number.`,
            fix: 'Register it with numbered variables: {{1}}, {{2}}, …',
          },
        ]
      : []),
    ...found.otherValues.map((what) => ({
      text: `${shown(found)} needs ${what}, which the message does not give.`,
      fix: 'Take it out of the template, or make it fixed.',
    })),
  ]
}

const isQuickReply = ({ type }: { readonly type: string }): boolean => type === 'QUICK_REPLY'

const same = (one: string, other: string): boolean => one.trim().toLowerCase() === other.trim().toLowerCase()

/** Payloads go by position. Titles may be the client's own words; only those that we know can be in the wrong place. */
function buttonMisfits(found: RegisteredTemplate, { buttons }: Wanted): Misfit[] {
  if (buttons.length === 0) return []
  const fix = `Give it these quick replies, in this order: ${buttons.join(', ')}.`
  const replies = found.buttons.filter(isQuickReply)
  if (replies.length !== buttons.length)
    return [
      { text: `${shown(found)} has ${replies.length} quick replies, and the message needs ${buttons.length}.`, fix },
    ]
  if (!found.buttons.slice(0, buttons.length).every(isQuickReply))
    return [{ text: `${shown(found)} has other buttons before its quick replies.`, fix }]
  const isElsewhere = (title: string, index: number) =>
    replies.some((reply, place) => place !== index && same(reply.title, title)) &&
    !same(replies[index]?.title ?? '', title)
  return buttons.some(isElsewhere)
    ? [{ text: `The quick replies of ${shown(found)} stand in another order than their meanings here.`, fix }]
    : []
}
