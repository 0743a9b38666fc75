/** The only source of chance inside the simulation. */

export interface Random {
  /** From 0 (inclusive) to 1 (exclusive). */
  next(): number
  chance(probability: number): boolean
  /** A whole number from `from` to `to`, both inclusive. */
  between(from: number, to: number): number
  pick<T>(items: readonly [T, ...T[]]): T
  /** One of the names, as likely as its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K
  shuffled<T>(items: readonly T[]): T[]
  /** 22 characters of base64url, as the references of messages. */
  reference(): string
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** mulberry32: small, fast, and good enough to shuffle with. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1))
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (items) => items[between(0, items.length - 1)] ?? items[0],
    weighted(weights) {
      const entries = Object.entries(weights) as [keyof typeof weights, number][]
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [name, weight] of entries) {
        left -= weight
        if (left < 0) return name
      }
      throw new Error('no name has a weight')
    },
    shuffled: (items) =>
      items
        .map((item) => ({ item, key: next() }))
        .sort((a, b) => a.key - b.key)
        .map(({ item }) => item),
    reference: () => Array.from({ length: 22 }, () => alphabet[between(0, 63)]).join(''),
  }
}
