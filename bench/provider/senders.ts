/** Who sends in a run: client accounts, each with a connection of its own. */

export interface Sender {
  readonly accountId: number
  readonly accountSlug: string
  /** E.164 */
  readonly businessPhone: string
  readonly credentials: {
    readonly phoneNumberId: string
    readonly wabaId: string
    readonly accessToken: string
    readonly appSecret: string
  }
}

/** The account of the event in test/fixtures is the first. */
const firstAccount = 379
const firstNumber = 810_000_000_000_777
const firstBusinessAccount = 910_000_000_000_777
const firstPhone = 1_140_000_777

export const appSecret = 'bench_app_secret_0001'

export const senderOf = (index: number): Sender => ({
  accountId: firstAccount + index,
  accountSlug: index === 0 ? 'acme-store' : `acme-store-${index + 1}`,
  businessPhone: `+91${firstPhone + index}`,
  credentials: {
    phoneNumberId: String(firstNumber + index),
    wabaId: String(firstBusinessAccount + index),
    accessToken: `EAAbenchtoken${String(index + 1).padStart(4, '0')}`,
    appSecret,
  },
})

export const senderOfNumber = (phoneNumberId: string): Sender => senderOf(Number(phoneNumberId) - firstNumber)
