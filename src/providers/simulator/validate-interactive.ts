/**
 * Checks the `interactive` object of a message: reply buttons, list, link button. Pure.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages
 */

import { type GraphProblem, problem } from './graph-errors.ts'
import { type Fields, fieldsOf, isFilled, isLongerThan, isObject, listOf, strangeKey, textOf } from './shapes.ts'

interface Kind {
  readonly maxBody: number
  readonly headers: ReadonlySet<string>
  check(action: Fields): GraphProblem | undefined
}

const anyHeader = new Set(['text', 'image', 'video', 'document'])

const kinds: Readonly<Record<string, Kind>> = {
  button: { maxBody: 1024, headers: anyHeader, check: checkReplyButtons },
  list: { maxBody: 4096, headers: new Set(['text']), check: checkList },
  cta_url: { maxBody: 1024, headers: anyHeader, check: checkLink },
}

const interactiveKeys = new Set(['type', 'header', 'body', 'footer', 'action'])

export function checkInteractive(interactive: Fields): GraphProblem | undefined {
  const strange = strangeKey(interactive, interactiveKeys)
  if (strange !== undefined) return problem(100, `Unexpected key "${strange}" on param "interactive".`)
  const type = textOf(interactive.type)
  const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined
  if (!kind) return problem(100, "Param interactive['type'] must be one of {BUTTON, LIST, CTA_URL}")
  if (!isObject(interactive.action)) return problem(131008, "Parameter 'action' is mandatory for type 'interactive'")
  return (
    checkPart("interactive['body']['text']", fieldsOf(interactive.body).text, kind.maxBody) ??
    checkHeader(interactive.header, kind) ??
    (interactive.footer === undefined
      ? undefined
      : checkPart("interactive['footer']['text']", fieldsOf(interactive.footer).text, 60)) ??
    kind.check(interactive.action)
  )
}

/** A text that must be there and may have `limit` characters. */
function checkPart(name: string, text: unknown, limit: number): GraphProblem | undefined {
  if (text === undefined) return problem(131008, `Parameter ${name} is missing`)
  if (!isFilled(text)) return problem(100, `Param ${name} must be a non-empty string`)
  return isLongerThan(text, limit) ? problem(100, `Param ${name} must be at most ${limit} characters long.`) : undefined
}

function checkHeader(header: unknown, kind: Kind): GraphProblem | undefined {
  if (header === undefined) return undefined
  const { type, text } = fieldsOf(header)
  if (!kind.headers.has(textOf(type))) return problem(100, "Param interactive['header']['type'] is not allowed here")
  return type === 'text' ? checkPart("interactive['header']['text']", text, 60) : undefined
}

const firstOf = <T>(items: readonly T[], check: (item: T) => GraphProblem | undefined): GraphProblem | undefined => {
  for (const item of items) {
    const found = check(item)
    if (found) return found
  }
  return undefined
}

const hasTwins = (values: readonly unknown[]): boolean => new Set(values).size < values.length

function checkReplyButtons(action: Fields): GraphProblem | undefined {
  const buttons = listOf(action.buttons).map(fieldsOf)
  const replies = buttons.map((button) => fieldsOf(button.reply))
  if (buttons.length < 1 || buttons.length > 3) {
    return problem(131009, 'Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3')
  }
  if (buttons.some((button) => button.type !== 'reply')) {
    return problem(100, "Param interactive['action']['buttons']['type'] must be one of {REPLY}")
  }
  const found = firstOf(
    replies,
    (reply) =>
      checkPart("interactive['action']['buttons']['reply']['id']", reply.id, 256) ??
      checkPart("interactive['action']['buttons']['reply']['title']", reply.title, 20),
  )
  if (found) return found
  if (hasTwins(replies.map((reply) => reply.id))) return problem(131009, 'Duplicate button reply id')
  return hasTwins(replies.map((reply) => reply.title)) ? problem(131009, 'Duplicate button reply title') : undefined
}

function checkList(action: Fields): GraphProblem | undefined {
  const sections = listOf(action.sections).map(fieldsOf)
  const rows = sections.flatMap((section) => listOf(section.rows)).map(fieldsOf)
  const opener = checkPart("interactive['action']['button']", action.button, 20)
  if (opener) return opener
  if (sections.length < 1 || sections.length > 10) return problem(131009, 'Sections count must be 1 to 10')
  if (rows.length < 1 || rows.length > 10) return problem(131009, 'Total row count exceed max allowed count: 10')
  if (hasTwins(rows.map((row) => row.id))) return problem(131009, 'Duplicate row id')
  return firstOf(sections, (section) => checkSection(section, sections.length > 1)) ?? firstOf(rows, checkRow)
}

function checkSection({ title, rows }: Fields, needsTitle: boolean): GraphProblem | undefined {
  if (listOf(rows).length === 0) return problem(131009, 'A section has no rows')
  if (title === undefined && !needsTitle) return undefined
  return checkPart("interactive['action']['sections']['title']", title, 24)
}

function checkRow({ id, title, description }: Fields): GraphProblem | undefined {
  const row = "interactive['action']['sections']['rows']"
  return (
    checkPart(`${row}['id']`, id, 200) ??
    checkPart(`${row}['title']`, title, 24) ??
    (description === undefined ? undefined : checkPart(`${row}['description']`, description, 72))
  )
}

function checkLink({ name, parameters }: Fields): GraphProblem | undefined {
  const { display_text, url } = fieldsOf(parameters)
  if (name !== 'cta_url') return problem(100, "Param interactive['action']['name'] must be cta_url")
  const title = checkPart("interactive['action']['parameters']['display_text']", display_text, 20)
  if (title) return title
  return isFilled(url) && /^https?:\/\/[^\s/]+/.test(url) && url.length <= 2000
    ? undefined
    : problem(131009, "Param interactive['action']['parameters']['url'] is not a valid URL")
}
