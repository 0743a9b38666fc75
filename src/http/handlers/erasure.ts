/** People who are to be forgotten. */

import { z } from 'zod'
import type { AccountSettings } from '../../core/accounts/settings.ts'
import { toE164 } from '../../core/notifications/phone.ts'
import type { Erasures } from '../../core/privacy/erasure.ts'
import { personOf } from '../../core/privacy/person.ts'
import { actorOf } from '../caller.ts'
import { HttpProblem } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'

export interface ErasureHandlerDeps {
  readonly erasures: Pick<Erasures, 'erase'>
  readonly settings: (accountId: number) => Promise<AccountSettings>
}

export const erasureSchema = z.strictObject({
  /** Absent: everywhere, which only the administrator may ask for. */
  accountId: z.int().positive().max(2_147_483_647).optional(),
  /** E.164, or as the account's country writes it. */
  phone: z.string().trim().min(5).max(40),
})

export const createErasureHandlers = ({ erasures, settings }: ErasureHandlerDeps) => ({
  async erase({ body, caller }: RequestFacts<z.infer<typeof erasureSchema>>): Promise<Reply> {
    const { accountId } = body
    // Without an account nobody knows which country is meant: only international numbers are understood.
    const country = accountId === undefined ? '' : (await settings(accountId)).defaultCountry
    const phone = toE164(body.phone, country)
    if (!phone) throw invalid('phone', 'is no valid phone number; write it with + and the country code')
    const result = await erasures.erase({ accountId, person: personOf(phone), actor: actorOf(caller) })
    return { status: 200, body: result }
  },
})

const invalid = (path: string, message: string) =>
  new HttpProblem(400, 'the body is not valid', { errors: [{ path, message }] })
