/** What stands in the provider's place, in a process of its own. */

import { request } from 'undici'
import { freePort } from '../../scripts/services/processes.ts'
import { pidOfListener } from '../cpu.ts'
import type { Options } from '../options.ts'
import { launch, startOwn, waitUntil } from '../programs.ts'
import { senderOf } from './senders.ts'

/** A message that the provider took. */
export interface Taken {
  readonly messageId: string
  /** What came as `biz_opaque_callback_data`. */
  readonly reference: string
  readonly to: string
  /** The number that it left from. */
  readonly phoneNumberId: string
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

export const startProvider = (options: Options, folder: string): Promise<Provider> =>
  options.provider === 'stub' ? startStub(options, folder) : startSimulator(options, folder)

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
async function startSimulator({ connections }: Options, folder: string): Promise<Provider> {
  const port = await freePort()
  const accounts = Array.from({ length: connections }, (_, index) => {
    const { credentials, businessPhone } = senderOf(index)
    return { ...credentials, displayPhoneNumber: businessPhone, strictTemplates: false, subscribed: false }
  })
  const settings = { keepBodies: false, statusDelaysMs: silent, accounts }
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

type Accepted = { wamid: string; reference?: string; to: string; phoneNumberId: string }

async function takenBySimulator(url: string): Promise<Taken[]> {
  const { items } = await get<{ items: Accepted[] }>(`${url}/_sim/accepted`)
  await (await request(`${url}/_sim/reset`, { method: 'POST' })).body.dump()
  return items.map(({ wamid, reference = '', to, phoneNumberId }) => ({
    messageId: wamid,
    reference,
    to: `+${to}`,
    phoneNumberId,
    atMs: 0,
  }))
}
