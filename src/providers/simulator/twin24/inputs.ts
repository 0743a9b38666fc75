/** What can be told to the TWIN half of the simulator. A misspelled field is refused. */

import { z } from 'zod'

/** A company: its user, its chats and the bots that may be started in them. */
export const companyInput = z.strictObject({
  email: z.string(),
  password: z.string(),
  chats: z.record(z.string(), z.array(z.string())),
  /** How long a token lives at most, whatever is asked for. */
  tokenTtlSeconds: z.number().positive().default(604_800),
  /** Off: an id of its own takes the place of the `bulkId` that was given. */
  keepsBulkId: z.boolean().default(true),
})

/** One scripted lie: which messages it meets, and what it does. The first rule that meets a message wins. */
export const twinRuleInput = z.strictObject({
  /** Of the recipient; absent = everybody. */
  phone: z.string().optional(),
  /** So many messages; absent = all. */
  next: z.int().positive().optional(),
  /**
   * Instead of an answer: `expired` = the token was ended meanwhile; `item_error` inside a success; `error`, `reset` and
   * `hang` before the message is taken; `taken_error`, `taken_reset` and `taken_hang` after.
   */
  answer: z
    .enum(['expired', 'item_error', 'error', 'reset', 'hang', 'taken_error', 'taken_reset', 'taken_hang'])
    .optional(),
  /** How it ends; default `DELIVERED`. */
  ends: z.string().optional(),
  description: z.string().optional(),
  callbacks: z
    .strictObject({
      /** Statuses that are not told. */
      suppress: z.array(z.string()).default([]),
      duplicates: z.int().min(1).default(1),
      /** The last status first. */
      reversed: z.boolean().default(false),
      /** Told before the request is answered. */
      beforeAnswer: z.boolean().default(false),
      shape: z.enum(['object', 'list', 'wrapped', 'form']).default('object'),
    })
    .partial()
    .optional(),
})

/** What the customer's dialogue came to: a call of the scenario, or results in the statistics, or both. */
export const twinAnswerInput = z.strictObject({
  messageId: z.string(),
  /** Body of the scenario's call, beside `ref`. */
  call: z.record(z.string(), z.unknown()).optional(),
  /** Result -> value, as the scenario's author named them. */
  results: z.record(z.string(), z.string()).optional(),
})

export type CompanyInput = z.input<typeof companyInput>
export type Company = z.output<typeof companyInput>
export type TwinRule = z.input<typeof twinRuleInput>
export type ParsedTwinRule = z.output<typeof twinRuleInput>
export type TwinAnswer = z.input<typeof twinAnswerInput>
