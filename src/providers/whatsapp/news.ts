/**
 * Everything that WhatsApp tells by fields other than `messages`: what it means here, and a sentence for whoever operates.
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
 */

import type { AccountNews } from '../../core/contract/events.ts'
import { defined, isRecord, textOf } from '../shared/read.ts'
import { accountNews } from './account-news.ts'
import { detailOf } from './errors.ts'
import { templateNews } from './template-news.ts'

/** What one value of a field says. */
export type News = Pick<AccountNews, 'severity' | 'summary' | 'effects'>

/** Undefined when the value lacks what the field is about: then it is kept like an unknown one. */
export type NewsReader = (value: unknown, now: Date) => News | undefined

const readers: ReadonlyMap<string, NewsReader> = new Map([...templateNews, ...accountNews])

/**
 * Reads one change of any field.
 * @param at the entry's own time
 */
export function readNews(field: string, value: unknown, at: Date | undefined, now: Date): AccountNews {
  const news = isRecord(value) ? readers.get(field)?.(value, now) : undefined
  return { type: 'account_news', topic: field, ...(news ?? unknownNews(field)), raw: value ?? null, ...defined({ at }) }
}

const unknownNews = (field: string): News => ({
  severity: 'info',
  summary: `News of a kind that is not known here: ${field}`,
  effects: [],
})

/** An error of the whole number or account, not of one message. */
export function readAccountError(error: unknown): AccountNews {
  const code = textOf(error, 'code') ?? 'without a code'
  const detail = detailOf(error)
  const summary = `WhatsApp reports error ${code}${detail ? `: ${detail}` : ''}`
  return { type: 'account_news', topic: 'errors', severity: 'warning', summary, effects: [], raw: error }
}
