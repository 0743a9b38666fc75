/** A sum that must come out even: what came in is in hand, or something became of it. */

export interface Balance {
  in(): void
  out(count?: number): void
  /** What is missing: negative when more became of it than came in. */
  missing(inHand: number): number
}

export function createBalance(): Balance {
  let open = 0
  return {
    in() {
      open++
    },
    out(count = 1) {
      open -= count
    },
    missing: (inHand) => open - inHand,
  }
}
