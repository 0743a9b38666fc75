/** What happens, as it happens: for a demo that draws it, and for tests that wait for it. */

export type SimulatorEventType = 'accepted' | 'refused' | 'webhook' | 'inbound' | 'tap' | 'ndr' | 'click'

export interface SimulatorEvent {
  readonly type: SimulatorEventType
  /** ISO 8601, UTC. */
  readonly at: string
  readonly data: object
}

export type Listener = (event: SimulatorEvent) => void

export interface Events {
  emit(type: SimulatorEventType, data: object): void
  /** Returns the function that ends it. */
  subscribe(listener: Listener): () => void
}

export function createEvents(): Events {
  const listeners = new Set<Listener>()
  return {
    emit(type, data) {
      if (listeners.size === 0) return
      const event = { type, at: new Date().toISOString(), data }
      for (const listener of listeners) listener(event)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
