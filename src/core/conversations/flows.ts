/** What happens when a customer answers, as data (`config/flows.yaml`). */

import { join } from 'node:path'
import { z } from 'zod'
import { type Action, actions, readYaml } from '../notifications/reason.ts'
import { linkActions, textKeys } from '../notifications/template-catalog.ts'

/** The decisions that the courier side understands (API.md, NDR API call). */
export const ndrActions = ['reattempt', 'reschedule', 'report_fake_delivery', 'cancel'] as const
export type NdrActionName = (typeof ndrActions)[number]

const activity = z.string().min(1).max(64)
const text = z.enum(textKeys)
const ndr = z.enum(ndrActions)

const actionFlow = z.discriminatedUnion('does', [
  z.strictObject({ does: z.literal('decide'), activity, ndr, answer: text }),
  z.strictObject({ does: z.literal('ask_delivery_date'), activity, ndr, question: text, answer: text }),
  z.strictObject({ does: z.literal('link'), activity, link: z.enum(linkActions) }),
])

const isoDate = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be yyyy-mm-dd')

const flowsSchema = z.strictObject({
  actions: z.record(z.enum(actions), actionFlow),
  deliveryDates: z.strictObject({
    count: z.int().min(1).max(3),
    leadDays: z.int().min(1).max(30),
    weekdaysOff: z.array(z.int().min(1).max(7)).max(6),
    holidays: z.array(isoDate),
  }),
  openDays: z.int().min(1).max(60),
})

export type ActionFlow = z.infer<typeof actionFlow>
export type DeliveryCalendar = z.infer<typeof flowsSchema>['deliveryDates']
export interface Flows {
  readonly actions: Readonly<Record<Action, ActionFlow>>
  readonly deliveryDates: DeliveryCalendar
  readonly openDays: number
}

/**
 * Reads `flows.yaml` of the configuration folder.
 * @throws {Error} that names every problem in it
 */
export const loadFlows = (configDir: string): Flows => readYaml(join(configDir, 'flows.yaml'), flowsSchema)
