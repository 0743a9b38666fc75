/**
 * Who a message goes to or came from. A phone is E.164 with `+`; a user id is the provider's business-scoped id
 * (Meta: two capital letters, a dot, then up to 128 characters). A customer may have either or both.
 */
export interface Address {
  readonly phone?: string
  readonly userId?: string
}

const userIdPattern = /^[A-Z]{2}\./

/**
 * Reads an address as vendors write it in webhooks: digits without `+`, or a business-scoped id even in a field
 * that is called a phone.
 */
export function addressOf(phoneLike: string | undefined, userId?: string): Address {
  const digits = phoneLike?.replace(/[^\d]/g, '')
  const isUserId = phoneLike !== undefined && userIdPattern.test(phoneLike)
  const id = userId ?? (isUserId ? phoneLike : undefined)
  return {
    ...(digits && !isUserId ? { phone: `+${digits}` } : {}),
    ...(id ? { userId: id } : {}),
  }
}

/** The digits of an E.164 phone, as most vendors want it. */
export const digitsOf = (phone: string): string => phone.replace(/[^\d]/g, '')
