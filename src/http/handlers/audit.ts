/** Who changed what. */

import type { AuditFilter, AuditLog } from '../../core/audit/audit-log.ts'
import type { Reply, RequestFacts } from '../route.ts'

export const createAuditHandlers = (audit: AuditLog) => ({
  async list({ query }: RequestFacts<undefined, AuditFilter>): Promise<Reply> {
    return { status: 200, body: await audit.list(query) }
  },
})
