import { fileURLToPath } from 'node:url'
import { installDebianPackages } from './debian.ts'
import { reasonOf, withoutPassword } from './describe.ts'
import type { RunningService, ServiceKind } from './kinds.ts'
import { findProgram, freePort, runProgram } from './processes.ts'

export type Say = (line: string) => void

/** One way to a service: gives it, or throws an error whose message finishes the sentence "not usable: ...". */
export type Way = (kind: ServiceKind, say: Say) => Promise<RunningService>

const root = fileURLToPath(new URL('../..', import.meta.url))
const engineTimeoutMs = 15_000
const composeTimeoutMs = 300_000
const keepRunning = async (): Promise<void> => {}

const local: Way = async (kind) => {
  await kind.probe(kind.localUrl).catch((error) => {
    throw new Error(`${withoutPassword(kind.localUrl)} does not answer as needed (${reasonOf(error)})`)
  })
  return { url: kind.localUrl, how: 'it runs on this machine', stop: keepRunning }
}

/** The docker program alone says nothing: it is installed on many machines whose engine is not running. */
const docker: Way = async (kind, say) => {
  await runProgram('docker', ['info'], { timeoutMs: engineTimeoutMs }).catch(() => {
    throw new Error('no Docker engine answers')
  })
  const port = await freePort()
  const env = { ...process.env, [kind.compose.portVariable]: String(port) }
  const project = `fdr-gateway-test-${kind.compose.service}-${process.pid}`
  const compose = (...args: string[]) =>
    runProgram('docker', ['compose', '--project-directory', root, '-p', project, ...args], {
      timeoutMs: composeTimeoutMs,
      env,
    })
  const stop = async () => {
    await compose('down', '--volumes')
  }
  say(`${kind.name}: starting a container ...`)
  try {
    await compose('up', '--detach', '--wait', kind.compose.service)
    const url = kind.compose.url(port)
    await kind.probe(url)
    return { url, how: `a container on port ${port}`, stop }
  } catch (error) {
    await stop().catch(() => {})
    throw new Error(`Docker Compose could not start it (${reasonOf(error).trim()})`)
  }
}

/** Whatever the package starts by itself is left alone: our instance has its own folder, user and ports. */
const own: Way = async (kind, say) => {
  if (missingPrograms(kind).length > 0) await installPackage(kind, say)
  say(`${kind.name}: starting a private instance ...`)
  return kind.startPrivate()
}

const installPackage = async (kind: ServiceKind, say: Say): Promise<void> => {
  const missing = missingPrograms(kind).join(' and ')
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined) {
    throw new Error(`${missing} cannot be found, and installing it needs root and apt-get`)
  }
  await installDebianPackages([kind.debianPackage], say)
  const stillMissing = missingPrograms(kind).join(' and ')
  if (stillMissing !== '') throw new Error(`package ${kind.debianPackage} brought no ${stillMissing}`)
}

const missingPrograms = (kind: ServiceKind): string[] =>
  Object.entries(kind.programs())
    .filter(([, path]) => path === undefined)
    .map(([name]) => name)

/** In the order in which they are tried; TEST_SERVICES names one of them. */
export const ways: Record<string, Way> = { local, docker, private: own }
