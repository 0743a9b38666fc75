/**
 * One queue of everything that will happen, ordered by virtual time and, within it, by chance. After each event all
 * promises are run to rest before the next one begins, so that a seed always plays the same.
 */

import type { Random } from './random.ts'

/** Somebody whose events vanish when they are gone and stand still while they are frozen. */
export interface Owner {
  readonly name: string
  isGone: boolean
  frozenUntilMs: number
}

export interface Scheduled {
  cancel(): void
}

export interface Scheduler {
  nowMs(): number
  now(): Date
  /** Whose event is being played; what it starts belongs to the same. */
  current(): Owner
  after(delayMs: number, what: string, work: () => void, owner?: Owner): Scheduled
  /** Plays until nothing is left, `stop` was called, or the time is over. */
  run(untilMs: number): Promise<void>
  stop(): void
  /** Hash of all that was played. */
  hash(): string
  /** Adds something to the hash, and to the log when there is one. */
  note(text: string): void
}

interface Entry {
  readonly atMs: number
  readonly tie: number
  readonly what: string
  readonly owner: Owner
  readonly work: () => void
  isCancelled: boolean
}

export const world: Owner = { name: 'world', isGone: false, frozenUntilMs: 0 }

/** Midnight of some day: the simulation's time begins here. */
const originMs = Date.UTC(2026, 0, 5)

/**
 * Resolves when no promise has anything left to do: ticks come after the last microtask. Nothing in here waits for real
 * input or timers.
 */
const rest = () => new Promise<void>((resolve) => process.nextTick(resolve))

export function createScheduler(random: Random, log?: (line: string) => void): Scheduler {
  const queue = createQueue()
  let timeMs = 0
  let owner = world
  let isStopped = false
  const hash = createHash()

  const note = (text: string) => {
    const line = `${timeMs} ${owner.name} ${text}`
    hash.add(line)
    log?.(line)
  }
  const play = async (entry: Entry) => {
    timeMs = Math.max(timeMs, entry.atMs)
    owner = entry.owner
    note(entry.what)
    entry.work()
    await rest()
  }
  const put = (atMs: number, what: string, work: () => void, owns: Owner): Entry => {
    const entry = { atMs, tie: random.next(), what, owner: owns, work, isCancelled: false }
    queue.push(entry)
    return entry
  }

  return {
    nowMs: () => timeMs,
    now: () => new Date(originMs + timeMs),
    current: () => owner,
    after(delayMs, what, work, owns = owner) {
      const entry = put(timeMs + Math.max(0, delayMs), what, work, owns)
      return {
        cancel: () => {
          entry.isCancelled = true
        },
      }
    },
    async run(untilMs) {
      for (let entry = queue.pop(); entry && !isStopped; entry = queue.pop()) {
        if (entry.atMs > untilMs) return
        if (entry.isCancelled || entry.owner.isGone) continue
        const { frozenUntilMs } = entry.owner
        if (frozenUntilMs > entry.atMs) put(frozenUntilMs, entry.what, entry.work, entry.owner)
        else await play(entry)
      }
    },
    stop: () => {
      isStopped = true
    },
    hash: hash.text,
    note,
  }
}

/** FNV-1a, twice with different starts. */
function createHash() {
  let low = 0x811c9dc5
  let high = 0x01234567
  return {
    add(text: string) {
      for (let index = 0; index < text.length; index++) {
        low = Math.imul(low ^ text.charCodeAt(index), 0x01000193)
        high = Math.imul(high ^ (low >>> 13) ^ text.charCodeAt(index), 0x85ebca6b)
      }
    },
    text: () => [low, high].map((part) => (part >>> 0).toString(16).padStart(8, '0')).join(''),
  }
}

const isBefore = (a: Entry, b: Entry) => a.atMs < b.atMs || (a.atMs === b.atMs && a.tie < b.tie)

/** A binary heap. */
function createQueue() {
  const heap: Entry[] = []
  const swap = (a: number, b: number) => {
    const [first, second] = [heap[a], heap[b]]
    if (first && second) [heap[a], heap[b]] = [second, first]
  }
  const isLess = (a: number, b: number) => {
    const [first, second] = [heap[a], heap[b]]
    return first !== undefined && second !== undefined && isBefore(first, second)
  }
  const sink = (from: number) => {
    for (let at = from; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const least = isLess(right, left) ? right : left
      if (!isLess(least, at)) return
      swap(least, at)
      at = least
    }
  }
  return {
    push(entry: Entry) {
      let at = heap.push(entry) - 1
      for (let parent = (at - 1) >> 1; at > 0 && isLess(at, parent); parent = (at - 1) >> 1) {
        swap(at, parent)
        at = parent
      }
    },
    pop(): Entry | undefined {
      const [first] = heap
      const last = heap.pop()
      if (heap.length > 0 && last) {
        heap[0] = last
        sink(0)
      }
      return first
    },
  }
}
