/** `GET /_sim/events`: what happens, as server-sent events. */

import type { ServerResponse } from 'node:http'
import type { Events } from './events.ts'

const maxUnreadBytes = 4_000_000

/** Keeps the response open until the reader leaves; a reader that does not read is dropped. */
export function streamEvents(events: Events, response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'access-control-allow-origin': '*',
  })
  response.write(': connected\n\n')
  const end = events.subscribe(({ type, at, data }) => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ at, ...data })}\n\n`)
    if (response.writableLength > maxUnreadBytes) response.destroy()
  })
  response.once('close', end)
}
