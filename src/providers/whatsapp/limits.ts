/** What WhatsApp allows, through whichever host of its API. */

const hourMs = 3_600_000

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages#customer-service-windows */
export const serviceWindowMs = 24 * hourMs

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/time-to-live */
export const messageLifetimeMs = 30 * 24 * hourMs

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput and .../about-the-platform */
export const defaultLimits = { messagesPerSecond: 80, concurrency: 40 } as const
export const pairLimit = { everyMs: 6_000, burst: 45 } as const
