/** Customers: when they wrote, and what they want to be written. */

import { z } from 'zod'
import { consentTopics } from '../../core/contacts/consent.ts'
import type { ContactAdmin } from '../../core/contacts/contact-facts.ts'
import { actorOf } from '../caller.ts'
import { HttpProblem, notFound } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'

export const consentSchema = z.strictObject({
  accountId: z.int().positive().max(2_147_483_647),
  topic: z.enum(consentTopics),
  isWanted: z.boolean(),
})

export const createContactHandlers = (contacts: ContactAdmin) => ({
  async get({ params, query }: RequestFacts<undefined, { accountId?: number }>): Promise<Reply> {
    const phone = phoneOf(params)
    const accounts = await contacts.get(phone, query.accountId)
    if (accounts.length === 0) throw notFound('contact')
    return { status: 200, body: { phone, accounts } }
  },

  /** What a customer asked for by telephone, in a shop, on a form. */
  async putConsent({ params, body, caller }: RequestFacts<z.infer<typeof consentSchema>>): Promise<Reply> {
    const phone = phoneOf(params)
    await contacts.put(phone, body, actorOf(caller))
    return { status: 200, body: { phone, accounts: await contacts.get(phone, body.accountId) } }
  },
})

/** @throws {HttpProblem} 400 for what is no international number */
function phoneOf({ phone = '' }: Readonly<Record<string, string>>): string {
  if (/^\+?[1-9]\d{6,14}$/.test(phone)) return phone.startsWith('+') ? phone : `+${phone}`
  throw new HttpProblem(400, 'the phone number must be in E.164, e.g. +919810012345')
}
