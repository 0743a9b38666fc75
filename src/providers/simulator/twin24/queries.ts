/** What can be asked: messages by id, and both lists of the statistics, which lag behind and filter as badly as TWIN's. */

import { type Answer, type Call, json } from '../answers.ts'
import type { Company } from './inputs.ts'
import { statusCodeOf, type TwinMessage, type TwinState } from './state.ts'

type Query = Call['query']

export interface Queries {
  messages(query: Query, company: Company): Answer
  messagingStatistics(query: Query, company: Company): Answer
  chatSessions(query: Query, company: Company): Answer
}

/** @param lagMs how much later than a message its statistics know of it */
export function createQueries(state: TwinState, lagMs: () => number): Queries {
  const of = (company: Company) => state.messages().filter((message) => message.company.email === company.email)
  const inWindow = (query: Query, company: Company): TwinMessage[] | undefined => {
    const [from, to] = [timeIn(query.get('from')), timeIn(query.get('to'))]
    if (from === undefined || to === undefined) return undefined
    const newest = Math.min(to, Date.now() - lagMs())
    return of(company).filter(
      ({ createdAt }) => Date.parse(createdAt) >= from && Date.parse(createdAt) <= newest + 1_000,
    )
  }
  return {
    messages(query, company) {
      const filters = (['id', 'bulkId', 'groupId', 'flowId'] as const).flatMap((name) => {
        const wanted = query.get(name)?.split(',')
        return wanted ? [(message: TwinMessage) => wanted.includes(message[name])] : []
      })
      const found = of(company).filter((message) => filters.every((fits) => fits(message)))
      return list(found, query, messageItem)
    },
    messagingStatistics(query, company) {
      const found = inWindow(query, company)
      if (!found || query.get('channel') !== 'CHAT' || !query.get('fields'))
        return json(400, { error: 'from, to, channel and fields are required' })
      return list(found, query, ({ id, sessionId, status }) => ({ id, providerMessageId: sessionId, status }))
    },
    // `chatId` is not filtered by, as it was seen.
    chatSessions(query, company) {
      const found = inWindow(query, company)
      if (!found) return json(400, { error: 'from and to are required' })
      return list(found, query, ({ sessionId, chatSessionName, results }) => ({
        id: sessionId,
        name: chatSessionName,
        clientId: null,
        dialogResultsFromBotJson: Object.keys(results).length > 0 ? { ...results, initialVariables: [] } : [],
      }))
    },
  }
}

/** ISO 8601 with an offset; a `+` that was not encoded arrives as a blank, and is refused. */
function timeIn(text: string | null): number | undefined {
  return text && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/.test(text) ? Date.parse(text) : undefined
}

function list<T>(found: readonly T[], query: Query, shown: (item: T) => object): Answer {
  const limit = Number(query.get('limit') ?? found.length)
  const from = Number(query.get('page') ?? 0) * limit
  return json(200, { count: found.length, items: found.slice(from, from + limit).map(shown) })
}

const messageItem = (message: TwinMessage) => ({
  id: message.id,
  bulkId: message.bulkId,
  groupId: message.groupId,
  flowId: message.flowId,
  status: message.status,
  statusCode: statusCodeOf(message.status),
  statusDescription: message.description,
  partCount: 1,
  channel: 'CHAT',
  destination: { phone: message.phone, messengerUserId: message.phone, variables: message.variables },
  tracks: [],
  createdAt: message.createdAt,
  deliveredAt: message.deliveredAt,
})
