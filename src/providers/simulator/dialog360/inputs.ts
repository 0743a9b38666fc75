/** What can be told to the 360dialog part of the simulator. A misspelled field is refused. */

import { z } from 'zod'
import { accountInput } from '../inputs.ts'

/** A number behind its API key. Rules, customers and templates are those of all numbers. */
export const channelInput = accountInput
  .pick({
    phoneNumberId: true,
    wabaId: true,
    displayPhoneNumber: true,
    webhookUrl: true,
    templates: true,
    strictTemplates: true,
    messagesPerSecond: true,
    phoneFields: true,
  })
  .extend({
    apiKey: z.string(),
    /** Sent along with every webhook. */
    webhookHeaders: z.record(z.string(), z.string()).default({}),
  })

export type ChannelInput = z.input<typeof channelInput>

/** Body of `POST /v1/configs/webhook`. https://docs.360dialog.com/docs/messaging/webhook/webhook-reference */
export const webhookInput = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  headers: z.record(z.string(), z.string()).default({}),
})
