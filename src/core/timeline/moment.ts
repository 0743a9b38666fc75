/** One line of a timeline. */

export interface Moment {
  /** When the gateway learned of it, or did it. */
  readonly at: Date
  /** What kind of thing happened: a closed list, for filters and colours. */
  readonly what:
    | 'event_accepted'
    | 'route_chosen'
    | 'skipped'
    | 'waited'
    | 'attempt'
    | 'doubt_settled'
    | 'report'
    | 'reply'
    | 'human_message'
    | 'follow_up'
    | 'decision'
    | 'decision_result'
    | 'shipment_ended'
    | 'click'
    | 'operator'
    | 'ended'
    /** What it waits for at this moment. */
    | 'now'
  /** Our id of the message that it is about. */
  readonly messageId: string
  /** One plain sentence. */
  readonly text: string
  /** The reason, where something was decided. */
  readonly why: string | null
}

/** Oldest first; what happened in the same millisecond stays in the order in which it is given. */
export const inOrder = (moments: readonly Moment[]): Moment[] =>
  moments.toSorted((a, b) => a.at.getTime() - b.at.getTime())

/** `2 min 5 s`, for people. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
