import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { RunningService } from './kinds.ts'
import { temporaryFolder, untilAnswers } from './private-server.ts'
import { probeMysql } from './probe.ts'
import { findProgram, freePort, runProgram, spawnOwned } from './processes.ts'

const installTimeoutMs = 120_000

export const programsOfMariadb = () => ({
  mariadbd: findProgram('mariadbd'),
  'mariadb-install-db': findProgram('mariadb-install-db'),
})

/** A MariaDB of our own: root without a password on 127.0.0.1, data in a temporary folder. Throws when it does not start. */
export const startMariadb = async (): Promise<RunningService> => {
  const { mariadbd = 'mariadbd', 'mariadb-install-db': installDb = 'mariadb-install-db' } = programsOfMariadb()
  const folder = await temporaryFolder('mariadb')
  const common = ['--no-defaults', `--datadir=${join(folder, 'data')}`, `--user=${userInfo().username}`]
  await runProgram(installDb, [...common, '--auth-root-authentication-method=normal', '--skip-test-db'], {
    timeoutMs: installTimeoutMs,
  })
  const port = await freePort()
  const logFile = join(folder, 'log')
  const server = spawnOwned(mariadbd, [...common, ...serverOptions(folder, port)], { folder, logFile })
  const url = `mysql://root@127.0.0.1:${port}`
  await untilAnswers(server, () => probeMysql(url), logFile)
  return { url, how: `a MariaDB of our own on port ${port}`, stop: server.stop }
}

/** Throw-away data needs no flush to disk; everything else is what production has. */
const serverOptions = (folder: string, port: number): string[] => [
  `--socket=${join(folder, 'socket')}`,
  `--pid-file=${join(folder, 'pid')}`,
  `--port=${port}`,
  '--bind-address=127.0.0.1',
  '--character-set-server=utf8mb4',
  '--max-connections=400',
  '--innodb-flush-log-at-trx-commit=0',
]
