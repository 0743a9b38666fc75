/** HTTP to gateways, for every test: what they answer is held against the documents that their clients read. */

import { request } from 'undici'
import { checkAnswer, checkStreamed } from './conformity.ts'
import { checkEvent } from './event-contract.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** A connection of its own. */
  readonly reset?: boolean
}

export interface ActivityItem {
  readonly cursor: string
  readonly id: string
  readonly event: {
    readonly eventSubType: string
    readonly response_data: Readonly<Record<string, unknown>>
    readonly [field: string]: unknown
  }
}

export type AskMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * One plain HTTP request to a gateway; redirects are not followed.
 * @throws {NotAnnounced} for an answer that the gateway's documents do not announce
 */
export async function ask(url: string, method: AskMethod, path: string, asked: Asked = {}): Promise<RawAnswer> {
  const answer = await request(url + path, { method, ...asked })
  const seen = { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  check(method, path, seen)
  if (method === 'POST' && path === '/v1/events') checkEvent(asked.body ?? '', seen.text)
  return seen
}

const check = (method: AskMethod, path: string, { status, headers, text }: RawAnswer): void =>
  checkAnswer(method, path, { status, type: typeOf(headers), text })

const typeOf = (headers: RawAnswer['headers']): string | undefined => headers['content-type']?.toString()

export interface Stream {
  readonly status: number
  /**
   * All that was told so far, as it came and as items.
   * @throws {NotAnnounced} when a page would have told it otherwise
   */
  heard(): { readonly text: string; readonly items: readonly ActivityItem[] }
  isOver(): boolean
  close(): void
}

/** Listens to the live stream of activity events; an answer that is no stream is over when this resolves. */
export async function listen(url: string, path: string, headers: Readonly<Record<string, string>>): Promise<Stream> {
  const end = new AbortController()
  const answer = await request(url + path, { headers, signal: end.signal })
  const isStream = typeOf(answer.headers)?.startsWith('text/event-stream') ?? false
  let text = ''
  let isOver = false
  const read = async () => {
    for await (const chunk of answer.body.setEncoding('utf8')) text += chunk
  }
  const reading = read()
    // Who closes a stream, or has it closed, cuts it off.
    .catch((error) => {
      if (!isStream) throw error
    })
    .finally(() => {
      isOver = true
    })
  if (!isStream) await reading
  check('GET', path, { status: answer.statusCode, headers: answer.headers, text })
  return {
    status: answer.statusCode,
    heard: () => ({ text, items: isStream ? itemsIn(text) : [] }),
    isOver: () => isOver,
    close: () => end.abort(),
  }
}

function itemsIn(text: string): ActivityItem[] {
  const whole = text.split('\n\n').slice(0, -1)
  return whole.filter((block) => !block.startsWith(':')).map(itemOf)
}

function itemOf(block: string): ActivityItem {
  const [, id, data = 'null'] = /^id: (\d+)\ndata: (.*)$/.exec(block) ?? []
  const item = JSON.parse(data) as ActivityItem
  checkStreamed(item)
  if (item.cursor !== id) throw new Error(`the stream's id ${id} is not the cursor of its event: ${block}`)
  return item
}
