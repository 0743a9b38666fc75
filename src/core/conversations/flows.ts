/** What happens when a customer answers, as data (`config/flows.yaml`). */

import { join } from 'node:path'
import { z } from 'zod'
import { linkActions, textKeys } from '../notifications/catalog/words.ts'
import { maxBodyLength } from '../notifications/parameters.ts'
import { type Action, actions, readYaml } from '../notifications/reason.ts'

/** The decisions that the courier side understands (API.md, NDR API call). */
export const ndrActions = ['reattempt', 'reschedule', 'report_fake_delivery', 'cancel'] as const
export type NdrActionName = (typeof ndrActions)[number]

const activity = z.string().min(1).max(64)
const text = z.enum(textKeys)
const ndr = z.enum(ndrActions)

/** What an answer's template may name, in positional order. */
const templateValues = ['customer', 'brand', 'order'] as const
/** Sent in place of an answer that may not be sent any more as free text. */
const outsideWindow = <T extends string>(values: readonly T[]) =>
  z.strictObject({
    name: z.string().regex(/^[a-z0-9_]{1,512}$/, 'must be the name of a template'),
    /** The conversation's language where it is not named. */
    language: z.string().min(2).max(16).optional(),
    values: z.array(z.enum(values)).max(10).default([]),
  })

const actionFlow = z.discriminatedUnion('does', [
  z.strictObject({
    does: z.literal('decide'),
    activity,
    ndr,
    answer: text,
    outsideWindow: outsideWindow(templateValues).optional(),
  }),
  z.strictObject({
    does: z.literal('ask_delivery_date'),
    activity,
    ndr,
    question: text,
    again: text,
    answer: text,
    outsideWindow: outsideWindow([...templateValues, 'date']).optional(),
  }),
  z.strictObject({ does: z.literal('link'), activity, link: z.enum(linkActions) }),
])

/** What an account may say about an action; the name of its activity event is a contract with others. */
const actionOverride = z
  .strictObject({
    does: z.enum(['decide', 'ask_delivery_date', 'link']),
    ndr,
    question: text,
    again: text,
    answer: text,
    link: z.enum(linkActions),
    outsideWindow: outsideWindow([...templateValues, 'date']),
  })
  .partial()

const isoDate = z.iso.date('must be a date, yyyy-mm-dd')
const days = (least: number) => z.int().min(least).max(60)

const deliveryDates = z.strictObject({
  count: z.int().min(1).max(3),
  leadDays: z.int().min(1).max(30),
  maxDays: days(1),
  couriers: z.record(z.string().min(1).max(64), z.strictObject({ maxDays: days(1) })),
  weekdaysOff: z.array(z.int().min(1).max(7)).max(6),
  holidays: z.array(isoDate).max(200),
})

const limits = {
  openDays: days(1),
  changeUntilPushed: z.boolean(),
  pushAfterMinutes: z.int().min(0).max(1_440),
  choicesEveryMinutes: z.int().min(0).max(1_440),
  humanPauseMinutes: z.int().min(0).max(10_080),
}

export const flowsSchema = z
  .strictObject({
    actions: z.record(z.enum(actions), actionFlow),
    deliveryDates,
    closing: z.record(z.string().regex(/^[a-z_]{1,32}$/, 'must be a status in lower case'), text),
    ...limits,
  })
  .refine(({ deliveryDates: { leadDays, maxDays } }) => leadDays <= maxDays, {
    path: ['deliveryDates', 'maxDays'],
    message: 'is less than leadDays',
  })

const ownTexts = z.partialRecord(
  text,
  z.record(z.string().regex(/^[a-z]{2}(_[A-Z]{2})?$/, 'is no language'), z.string().trim().min(1).max(maxBodyLength)),
)

/** The field `flows` of an account's (or channel's) settings: what it wants otherwise than `flows.yaml`. */
export const flowsOverrideSchema = z
  .strictObject({
    actions: z.partialRecord(z.enum(actions), actionOverride),
    deliveryDates: deliveryDates.partial(),
    texts: ownTexts,
    ...limits,
  })
  .partial()

export type ActionFlow = z.infer<typeof actionFlow>
export type AnswerTemplate = NonNullable<Extract<ActionFlow, { does: 'ask_delivery_date' }>['outsideWindow']>
export type DeliveryCalendar = z.infer<typeof deliveryDates>
export type FlowsOverride = z.infer<typeof flowsOverrideSchema>
export type OwnTexts = z.infer<typeof ownTexts>

export interface Flows extends Omit<z.infer<typeof flowsSchema>, 'actions'> {
  readonly actions: Readonly<Record<Action, ActionFlow>>
  /** An account's own words: text -> language -> words. */
  readonly texts: OwnTexts
}

/**
 * Reads `flows.yaml` of the configuration folder.
 * @throws {Error} that names every problem in it
 */
export const loadFlows = (configDir: string): Flows => ({
  ...readYaml(join(configDir, 'flows.yaml'), flowsSchema),
  texts: {},
})
