/** The gateway's API, called as anybody would call it. */

import type { ActivityEvent } from './moments.ts'

export interface Api {
  readonly url: string
  readonly key: string
  /** @throws {Error} with the gateway's own words when it refuses */
  call<T>(method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<T>
  /** Follows `GET /v1/activity/stream`. Resolves once it is open; events come until the signal. */
  followActivity(onEvent: (event: ActivityEvent) => void, signal: AbortSignal): Promise<void>
}

export function createApi(url: string, key: string): Api {
  const authorization = `Bearer ${key}`
  return {
    url,
    key,
    async call<T>(method: string, path: string, body?: object): Promise<T> {
      const answer = await fetch(url + path, {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text.slice(0, 500)}`)
      return JSON.parse(text) as T
    },
    async followActivity(onEvent, signal) {
      const { body, status } = await fetch(`${url}/v1/activity/stream`, { headers: { authorization }, signal })
      if (status !== 200 || !body) throw new Error(`the activity stream was answered ${status}`)
      void read(body, onEvent).catch(() => {})
    },
  }
}

/** Server-sent events: one `data:` line each. */
async function read(body: ReadableStream<Uint8Array>, onEvent: (event: ActivityEvent) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue
      onEvent((JSON.parse(line.slice('data: '.length)) as { event: ActivityEvent }).event)
    }
  }
}
