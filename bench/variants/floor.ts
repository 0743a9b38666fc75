/** The floors: the least that a program must do for the same work. */

import mysql from 'mysql2/promise'
import { createFloorTables } from '../floors/tables.ts'
import { startOwn } from '../programs.ts'
import { senderOf } from '../provider/senders.ts'
import type { Stage } from '../stage.ts'
import type { Variant } from './variant.ts'

const programs = { outbound: 'floors/outbound.ts', webhooks: 'floors/webhooks.ts' } as const

export async function prepareFloor(stage: Stage): Promise<Variant> {
  const { databaseUrls, amqpUrl, provider, folder, options } = stage
  const connection = await mysql.createConnection(databaseUrls.floor)
  await createFloorTables(connection)
  await connection.end()
  const env = {
    FLOOR_DATABASE_URL: databaseUrls.floor,
    FLOOR_AMQP_URL: amqpUrl,
    FLOOR_PROVIDER_URL: provider.url,
    FLOOR_ACCOUNT: JSON.stringify(senderOf(0).credentials),
    FLOOR_CONCURRENCY: String(options.concurrency),
  }
  const { profileDir } = options
  const nodeArgs = profileDir ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`] : []
  return {
    name: 'floor',
    async start(work) {
      if (work === 'embedded') throw new Error('no floor of the embedded gateway exists')
      const startedAt = performance.now()
      const { pid, port, stop } = await startOwn(programs[work], { folder, env, nodeArgs })
      const readyMs = performance.now() - startedAt
      return { pids: [pid], readyMs, stop, webhooks: { ports: [port], pathOf: () => '/webhooks/meta/floor' } }
    },
  }
}
