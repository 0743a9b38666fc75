/** The body of PUT settings. */

import { z } from 'zod'
import { flowsOverrideSchema } from '../conversations/flows.ts'
import { publicUrl } from './public-url.ts'

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be hh:mm')
const timezone = z.string().refine((zone) => isTimezone(zone), 'is not a time zone such as Asia/Kolkata')

const perDay = z.int().min(1).max(100_000_000)

/** What an account allows itself of a day, in its own time zone; what is not set is not limited. */
const guards = z
  .strictObject({
    firstMessagesPerShipmentAndDay: perDay,
    messagesPerDay: perDay,
    messagesPerRecipientAndDay: perDay,
    costPerDay: z.strictObject({
      amount: z.string().regex(/^\d{1,9}(\.\d{1,6})?$/, 'must be an amount such as 500.00'),
      currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters, such as INR'),
    }),
  })
  .partial()

/** Everything but the switch may be left out. */
export const settingsSchema = z.strictObject({
  accountSlug: z.string().min(1).max(128).optional(),
  isWhatsappEnabled: z.boolean(),
  whatsappSenderConnectionId: z
    .string()
    .regex(/^\d{1,18}$/)
    .nullable()
    .optional(),
  defaultCountry: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  timezone: timezone.optional(),
  languages: z
    .array(z.string().regex(/^[a-z]{2}(_[A-Z]{2})?$/))
    .min(1)
    .max(10)
    .optional(),
  templates: z
    .record(
      z.string().regex(/^[a-z_]{1,40}$/),
      z.strictObject({ name: z.string().regex(/^[a-z0-9_]{1,512}$/), language: z.string().min(2).max(16) }),
    )
    .optional(),
  support: z
    .strictObject({ phone: z.string().max(32), email: z.email().max(254) })
    .partial()
    .optional(),
  quietHours: z.strictObject({ from: clockTime, to: clockTime }).nullable().optional(),
  guards: guards.optional(),
  inDoubtPolicy: z.enum(['resend_once', 'never']).optional(),
  /** Is a first message that was taken and failed in the end told once more through the fallback connection? */
  fallbackOnFailed: z.boolean().optional(),
  portalUrl: publicUrl.optional(),
  flows: flowsOverrideSchema.optional(),
})

export type SettingsInput = z.infer<typeof settingsSchema>

function isTimezone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch {
    return false
  }
}
