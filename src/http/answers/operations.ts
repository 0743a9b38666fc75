/** What the people and machines that watch the gateway are told. */

import { z } from 'zod'
import { maybeText, maybeTime } from './parts.ts'

export const engineStatus = z.object({
  readAt: maybeTime,
  triedAt: maybeTime,
  problem: maybeText,
  problems: z.array(z.object({ id: maybeText, problem: z.string() })),
})

export const live = z.object({ status: z.literal('live') })
export const ready = z.object({ status: z.literal('ready'), checks: z.record(z.string(), z.literal('ok')) })
export const taken = z.object({ ok: z.literal(true) })
