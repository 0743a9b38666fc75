/** Reads connections from the platform's integration engine (docs/integration-engine.md). */

import { z } from 'zod'
import type { HttpClient, HttpResult } from '../contract/provider.ts'

export interface EngineClient {
  /**
   * All connections, as the engine tells them.
   * @throws {EngineError} when not all of them could be read
   */
  read(): Promise<readonly unknown[]>
}

export interface EngineClientDeps {
  readonly http: HttpClient
  readonly baseUrl: string
  /** Bearer key; undefined = the engine asks for none. */
  readonly key: string | undefined
}

/** Why the engine could not be read, in words for an operator; never what was sent or answered. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
}

const pageSize = 200
const maxPages = 100
const callMs = 10_000
/** A refresh is over before the next replica may take its turn. */
const allMs = 45_000

const pageSchema = z.object({ connections: z.array(z.unknown()).max(pageSize), next: z.string().max(512).nullish() })

export const createEngineClient = (deps: EngineClientDeps): EngineClient => ({
  async read() {
    const endMs = performance.now() + allMs
    const found: unknown[] = []
    let cursor: string | null = null
    for (let page = 0; page < maxPages; page++) {
      const timeoutMs = Math.min(callMs, endMs - performance.now())
      if (timeoutMs <= 0) throw new EngineError(`did not tell everything within ${allMs / 1_000} s`)
      const { connections, next } = pageIn(await ask(deps, cursor, timeoutMs))
      found.push(...connections)
      if (!next) return found
      cursor = next
    }
    throw new EngineError(`has more than ${pageSize * maxPages} connections`)
  },
})

const ask = ({ http, baseUrl, key }: EngineClientDeps, cursor: string | null, timeoutMs: number): Promise<HttpResult> =>
  http({
    method: 'POST',
    url: `${baseUrl}/connection/start`,
    headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
    body: JSON.stringify({ app: 'whatsapp', limit: pageSize, cursor }),
    timeoutMs,
  })

function pageIn(result: HttpResult): z.infer<typeof pageSchema> {
  if (result.kind !== 'answer') throw new EngineError(`does not answer: ${result.reason}`)
  if (result.status === 401 || result.status === 403)
    throw new EngineError(`refuses our key (${result.status}); see INTEGRATION_ENGINE_KEY`)
  if (result.status !== 200) throw new EngineError(`answers ${result.status}`)
  const page = pageSchema.safeParse(parsed(result.body))
  if (!page.success) throw new EngineError('answers something else than a page of connections')
  return page.data
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
