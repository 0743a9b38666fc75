/** How fast a sender connection may send: pure. */

export interface Limits {
  readonly messagesPerSecond: number
  readonly concurrency: number
}

/** How the provider rates what a phone number sends. */
export type SenderQuality = 'good' | 'medium' | 'bad'

/**
 * Share of the pace that is used at each quality. A number whose quality is bad is the next one to be restricted: half
 * the pace gives whoever operates it time to see what recipients complain about.
 */
const paceShare: Readonly<Record<SenderQuality, number>> = { good: 1, medium: 1, bad: 0.5 }

const unknownProvider: Limits = { messagesPerSecond: 10, concurrency: 10 }

/**
 * Limits as they hold. The provider's word replaces the usual limits; an operator's lower ones stay.
 * @param usual the provider's for a new number
 * @param own what an operator set
 * @param reported what the provider told of this number
 */
export function effectiveLimits(
  usual: Limits = unknownProvider,
  own: Partial<Limits> = {},
  reported: Partial<Limits> = {},
  quality?: SenderQuality | null,
): Limits {
  const limit = (name: keyof Limits) => {
    const [set, told] = [own[name], reported[name]]
    return set !== undefined && told !== undefined ? Math.min(set, told) : (set ?? told ?? usual[name])
  }
  return {
    messagesPerSecond: limit('messagesPerSecond') * (quality ? paceShare[quality] : 1),
    concurrency: limit('concurrency'),
  }
}
