/** What stands in the provider's place, in a process of its own. */

import { request } from 'undici'
import { freePort } from '../../scripts/services/processes.ts'
import { pidOfListener } from '../cpu.ts'
import type { Options } from '../options.ts'
import { launch, startOwn, waitUntil } from '../programs.ts'

/** A message that the provider took. */
export interface Taken {
  readonly messageId: string
  /** What came as `biz_opaque_callback_data`. */
  readonly reference: string
  readonly to: string
  /** When, in milliseconds of the machine's monotonic clock; 0 where it is not known. */
  readonly atMs: number
}

export interface Provider {
  readonly url: string
  readonly pid: number
  /** What was taken since this was last asked. */
  taken(): Promise<Taken[]>
  stop(): Promise<void>
}

/** The one number that every message of a run leaves from. */
export const account = {
  phoneNumberId: '810000000000777',
  wabaId: '910000000000777',
  accessToken: 'EAAbenchtoken0001',
  appSecret: 'bench_app_secret_0001',
}

export const startProvider = (options: Options, folder: string): Promise<Provider> =>
  options.provider === 'stub' ? startStub(options, folder) : startSimulator(folder)

const get = async <T>(url: string): Promise<T> => (await (await request(url)).body.json()) as T

async function startStub({ providerDelayMs }: Options, folder: string): Promise<Provider> {
  const program = await startOwn('provider/stub.ts', {
    folder,
    env: { PROVIDER_DELAY_MS: String(providerDelayMs) },
  })
  const url = `http://127.0.0.1:${program.port}`
  return { url, pid: program.pid, taken: () => get<Taken[]>(`${url}/taken`), stop: program.stop }
}

const silent = { sent: null, delivered: null, read: null }

/** Checks every message as strictly as Meta; its own reports are off, since webhooks are measured by themselves. */
async function startSimulator(folder: string): Promise<Provider> {
  const port = await freePort()
  const own = { ...account, displayPhoneNumber: '+91 11 4000 0777', strictTemplates: false, subscribed: false }
  const settings = { keepBodies: false, statusDelaysMs: silent, accounts: [own] }
  const env = { SIMULATOR_PORT: String(port), SIMULATOR_OPTIONS: JSON.stringify(settings) }
  const started = launch(['--import', 'tsx', 'src/providers/simulator/main.ts'], { folder, env })
  const url = `http://127.0.0.1:${port}`
  const isUp = () =>
    get(`${url}/_sim/health`).then(
      () => true,
      () => undefined,
    )
  await waitUntil('the simulator', started.logFile, started.process.hasExited, isUp)
  return { url, pid: pidOfListener(port) ?? 0, taken: () => takenBySimulator(url), stop: started.process.stop }
}

type Accepted = { wamid: string; reference?: string; to: string }

async function takenBySimulator(url: string): Promise<Taken[]> {
  const { items } = await get<{ items: Accepted[] }>(`${url}/_sim/accepted`)
  await (await request(`${url}/_sim/reset`, { method: 'POST' })).body.dump()
  return items.map(({ wamid, reference = '', to }) => ({ messageId: wamid, reference, to: `+${to}`, atMs: 0 }))
}
