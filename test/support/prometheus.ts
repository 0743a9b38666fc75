/** A Prometheus of our own, with the repository's configuration and rules, that scrapes one gateway every two seconds. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { parse, stringify } from 'yaml'
import { temporaryFolder, untilAnswers } from '../../scripts/services/private-server.ts'
import { freePort, runProgram, spawnOwned } from '../../scripts/services/processes.ts'
import { ensurePrometheus } from '../../scripts/services/prometheus.ts'
import { configDir } from '../../src/paths.ts'

export const prometheusDir = join(configDir, 'prometheus')

export interface Series {
  readonly metric: Readonly<Record<string, string>>
  /** Finite values only; one for an instant. */
  readonly values: readonly number[]
}

export interface Prometheus {
  /** What an expression gives now, or at each second of the last so many. */
  query(expr: string): Promise<Series[]>
  queryRange(expr: string, lastSeconds: number): Promise<Series[]>
  /** Names of all metrics that it knows. */
  metricNames(): Promise<ReadonlySet<string>>
  /** Names of alerts that fire. */
  firing(): Promise<ReadonlySet<string>>
  stop(): Promise<void>
}

export interface PrometheusOptions {
  /** host:port of the gateway. */
  readonly target: string
  /** Bearer key of its administrator. */
  readonly adminKey: string
}

/** Real minutes as so many seconds: ranges, waiting times and thresholds of the rules all the same. */
export const secondsPerMinute = 4

/** Rules as they are, in a faster time. */
export const inFasterTime = (rules: string): string =>
  rules
    .replace(/\[(\d+)m\]/g, (_, minutes) => `[${minutes * secondsPerMinute}s]`)
    .replace(/for: (\d+)m/g, (_, minutes) => `for: ${minutes * secondsPerMinute}s`)
    .replace(/\* 60\b/g, `* ${secondsPerMinute}`)

export async function startPrometheus({ target, adminKey }: PrometheusOptions): Promise<Prometheus> {
  const programs = await ensurePrometheus()
  const folder = await temporaryFolder('prometheus')
  writeConfiguration(folder, target, adminKey)
  const port = await freePort()
  const logFile = join(folder, 'log')
  const address = `127.0.0.1:${port}`
  const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`]
  const server = spawnOwned(programs.prometheus, [...args, `--web.listen-address=${address}`], { folder, logFile })
  const api = createApi(`http://${address}`)
  await untilAnswers(server, api.ready, logFile)
  return { ...api, stop: server.stop }
}

interface Configuration {
  global: object
  scrape_configs: { static_configs: object[] }[]
}

/** The one that comes with the repository, but for times and the gateway's address. */
function writeConfiguration(folder: string, target: string, adminKey: string): void {
  const config = parse(readFileSync(join(prometheusDir, 'prometheus.yml'), 'utf8')) as Configuration
  const [scrape] = config.scrape_configs
  // A scrape may have to wait for the tables to be read, on a busy machine.
  config.global = { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '1s' }
  config.scrape_configs = [{ ...scrape, static_configs: [{ targets: [target] }] }]
  mkdirSync(join(folder, 'secrets'))
  writeFileSync(join(folder, 'secrets', 'admin-key'), adminKey)
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config))
  writeFileSync(join(folder, 'rules.yml'), inFasterTime(readFileSync(join(prometheusDir, 'rules.yml'), 'utf8')))
}

interface Found {
  readonly metric: Readonly<Record<string, string>>
  readonly value?: readonly [number, string]
  readonly values?: readonly (readonly [number, string])[]
}

const seriesOf = ({ result }: { result: readonly Found[] }): Series[] =>
  result.map(({ metric, value, values }) => ({
    metric,
    values: (values ?? (value ? [value] : [])).map(([, text]) => Number(text)).filter(Number.isFinite),
  }))

function createApi(url: string) {
  const get = async <T>(path: string, query: Record<string, string | number> = {}): Promise<T> => {
    const answer = await request(`${url}${path}`, { query })
    const { status, data, error } = (await answer.body.json()) as { status: string; data: T; error?: string }
    if (status !== 'success') throw new Error(`${query.query ?? path}: ${error}`)
    return data
  }
  return {
    async ready() {
      const { statusCode, body } = await request(`${url}/-/ready`)
      await body.dump()
      if (statusCode !== 200) throw new Error(`it answers ${statusCode}`)
    },
    query: async (expr: string) => seriesOf(await get('/api/v1/query', { query: expr })),
    async queryRange(expr: string, lastSeconds: number) {
      const end = Math.floor(Date.now() / 1_000)
      const range = { query: expr, start: end - lastSeconds, end, step: 1 }
      return seriesOf(await get('/api/v1/query_range', range))
    },
    metricNames: async () => new Set(await get<string[]>('/api/v1/label/__name__/values')),
    async firing() {
      const { alerts } = await get<{ alerts: { state: string; labels: { alertname: string } }[] }>('/api/v1/alerts')
      return new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname))
    },
  }
}

/** Runs promtool and gives its output. */
export async function promtool(...args: string[]): Promise<string> {
  const programs = await ensurePrometheus()
  return runProgram(programs.promtool, args, { timeoutMs: 60_000 })
}
