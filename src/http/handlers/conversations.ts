/** All that was written with one phone. */

import type { AccountSettings } from '../../core/accounts/settings.ts'
import { toE164 } from '../../core/notifications/phone.ts'
import type { ConversationsFilter, ConversationsPage } from '../../core/timeline/phone-conversations.ts'
import { HttpProblem } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'

export interface ConversationHandlerDeps {
  readonly conversations: (phone: string, filter: ConversationsFilter) => Promise<ConversationsPage>
  readonly settings: (accountId: number) => Promise<Pick<AccountSettings, 'defaultCountry'>>
}

const usualCountry = 'IN'

export const createConversationHandlers = ({ conversations, settings }: ConversationHandlerDeps) => ({
  async get({ params, query }: RequestFacts<undefined, ConversationsFilter>): Promise<Reply> {
    const { accountId } = query
    const country = accountId === undefined ? usualCountry : (await settings(accountId)).defaultCountry
    const phone = toE164(params.phone ?? '', country)
    if (!phone) throw new HttpProblem(400, 'the path names no phone number')
    return { status: 200, body: { phone, ...(await conversations(phone, query)) } }
  },
})
