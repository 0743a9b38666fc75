/** Activity events for whoever has no broker: pages, and a live stream of the same. */

import { once, setMaxListeners } from 'node:events'
import { PassThrough } from 'node:stream'
import type { ActivityStore, StoredActivity } from '../../core/activity/activity-store.ts'
import { HttpProblem } from '../problem.ts'
import type { Reply, RequestFacts } from '../route.ts'

export interface ActivityHandlerDeps {
  readonly activity: ActivityStore
  readonly now: () => Date
  /** Aborted when the server shuts down. */
  readonly stop: AbortSignal
}

interface PageQuery {
  readonly accountId?: number | undefined
  readonly after: number
  readonly limit: number
}

const streamPage = 200
/** Events of other replicas are noticed by looking; those of this one wake the streams. */
const pollMs = 1_000
/** Each stream asks the database when it is woken, whosever events were committed. */
const wakeEveryMs = 250
const keepAliveMs = 15_000
const maxStreams = 200
/** So that no client takes them all. */
const maxStreamsOfAccount = 10

export function createActivityHandlers(deps: ActivityHandlerDeps) {
  /** Stream -> the account that it is bound to. */
  const streams = new Map<PassThrough, number | undefined>()
  const countOf = (accountId: number) => [...streams.values()].filter((account) => account === accountId).length
  const wakers = new Set<() => void>()
  // Each stream listens for the end of the server; Node warns of more than ten.
  setMaxListeners(maxStreams + 1, deps.stop)
  const wakeAll = () => {
    for (const wake of wakers) wake()
  }
  deps.activity.onCommitted(atMostEvery(wakeEveryMs, wakeAll))
  return {
    async page({ query }: RequestFacts<undefined, PageQuery>): Promise<Reply> {
      const found = await deps.activity.after(query.after, query.limit, deps.now(), query.accountId)
      const next = found.length > 0 ? String(found.at(-1)?.id) : String(query.after)
      return { status: 200, body: { items: found.map(item), next } }
    },

    async stream({ query, headers }: RequestFacts<undefined, PageQuery>): Promise<Reply> {
      if (streams.size >= maxStreams) throw new HttpProblem(503, 'too many streams are open')
      if (query.accountId !== undefined && countOf(query.accountId) >= maxStreamsOfAccount)
        throw new HttpProblem(429, 'too many streams of this account are open')
      const stream = new PassThrough()
      streams.set(stream, query.accountId)
      const after = Number(headers['last-event-id'] ?? query.after) || 0
      void follow(deps, stream, { ...query, after }, wakers).finally(() => streams.delete(stream))
      return {
        status: 200,
        body: stream,
        headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
      }
    },
  }
}

/** Acts at the first call at once, and after those that come too soon once more. */
function atMostEvery(ms: number, act: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let isDue = false
  return function call() {
    isDue = true
    if (timer) return
    isDue = false
    act()
    timer = setTimeout(() => {
      timer = undefined
      if (isDue) call()
    }, ms).unref()
  }
}

const item = ({ id, eventId, payload }: StoredActivity) => ({
  cursor: String(id),
  id: eventId,
  event: JSON.parse(payload) as object,
})

/** Writes events as they come until the reader leaves or the server stops. */
async function follow(
  deps: ActivityHandlerDeps,
  stream: PassThrough,
  { after, accountId }: PageQuery,
  wakers: Set<() => void>,
) {
  const end = new AbortController()
  const finish = () => end.abort()
  const ended = new Promise<void>((resolve) => end.signal.addEventListener('abort', () => resolve(), { once: true }))
  stream.once('close', finish)
  deps.stop.addEventListener('abort', finish)
  const keepAlive = setInterval(() => stream.write(': still here\n\n'), keepAliveMs)
  stream.write(': welcome\n\n')
  try {
    for (let cursor = after; !end.signal.aborted; ) {
      const found = await deps.activity.after(cursor, streamPage, deps.now(), accountId)
      for (const event of found) await write(stream, `id: ${event.id}\ndata: ${JSON.stringify(item(event))}\n\n`, ended)
      cursor = found.at(-1)?.id ?? cursor
      if (found.length < streamPage) await nextWake(wakers, end.signal)
    }
  } catch {
    // The reader connects again with the last id it got.
  } finally {
    clearInterval(keepAlive)
    deps.stop.removeEventListener('abort', finish)
    stream.end()
  }
}

/** A reader that is slower than the events holds back only itself. */
async function write(stream: PassThrough, text: string, ended: Promise<void>): Promise<void> {
  if (stream.write(text)) return
  await Promise.race([once(stream, 'drain'), ended])
}

function nextWake(wakers: Set<() => void>, end: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      wakers.delete(done)
      end.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, pollMs)
    wakers.add(done)
    end.addEventListener('abort', done, { once: true })
  })
}
