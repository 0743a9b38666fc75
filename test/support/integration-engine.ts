/** Stands in for the platform's integration engine over HTTP: as strict as docs/integration-engine.md describes it. */

import { answer, type Script, type ScriptedServer, startScriptedServer } from '../contract/scripted-server.ts'

export const engineKey = 'engine-key-0001'

export interface FakeEngine {
  readonly url: string
  readonly seen: ScriptedServer['seen']
  /** What it has from now on; small pages, so that they are turned. */
  has(connections: readonly object[]): void
  /** Answers otherwise from now on. */
  play(script: Script): void
  close(): Promise<void>
}

const pageSize = 2

export async function startFakeEngine(): Promise<FakeEngine> {
  const server = await startScriptedServer()
  return {
    url: server.url,
    seen: server.seen,
    has: (connections) => server.play(pagesOf(connections)),
    play: server.play,
    close: server.close,
  }
}

const pagesOf =
  (connections: readonly object[]): Script =>
  (response, request) => {
    const { method, url, headers, body } = request
    if (method !== 'POST' || url !== '/connection/start') return answer(404, {})(response, request)
    if (headers.authorization !== `Bearer ${engineKey}`) return answer(401, {})(response, request)
    const { app, cursor } = JSON.parse(body) as { app?: unknown; cursor?: string | null }
    if (app !== 'whatsapp') return answer(400, {})(response, request)
    const start = Number(cursor ?? 0)
    const next = start + pageSize < connections.length ? String(start + pageSize) : null
    answer(200, { connections: connections.slice(start, start + pageSize), next })(response, request)
  }
