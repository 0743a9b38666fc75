/** The floors: the least that a program must do for the same work. */

import mysql from 'mysql2/promise'
import { createFloorTables } from '../floors/tables.ts'
import { startOwn } from '../programs.ts'
import { account } from '../provider/provider.ts'
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
    FLOOR_ACCOUNT: JSON.stringify(account),
  }
  const { profileDir } = options
  const nodeArgs = profileDir ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`] : []
  return {
    name: 'floor',
    async start(work) {
      const { pid, port, stop } = await startOwn(programs[work], { folder, env, nodeArgs })
      return { pid, stop, webhooks: { port, path: '/webhooks/meta/floor' } }
    },
  }
}
