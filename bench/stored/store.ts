/** Puts into the gateway's database what the options say is there before anything is measured. */

import type { Stage } from '../stage.ts'
import { adminKey } from '../variants/environment.ts'
import { call, type Furnished } from '../variants/furnish.ts'
import type { GatewayProcess } from '../variants/processes.ts'
import { runningOf } from '../variants/running.ts'
import { backlogOf } from './backlog.ts'
import { type Filling, fill } from './fill.ts'
import { historyOf } from './history.ts'
import { makeFinished, makeWaiting } from './samples.ts'

/** One more connection than those that send is needed for what waits. */
export const sendersNeeded = ({ options }: Stage): number => options.connections + (options.backlog > 0 ? 1 : 0)

/**
 * Lets the gateway make what is copied.
 * @returns what writes the copies, once the gateway has ended
 */
export async function prepareStored(
  stage: Stage,
  process: GatewayProcess,
  furnished: readonly Furnished[],
): Promise<() => Promise<void>> {
  const { stored, backlog, connections } = stage.options
  const fillings: Filling[] = []
  const [firstId, afterHistory] = [firstCopy, firstCopy + stored]
  if (stored > 0)
    fillings.push(...historyOf(stage.options, await makeFinished(stage, runningOf([process], furnished)), firstId))
  const last = furnished[connections]
  if (backlog > 0 && last) {
    await call({ port: process.port, adminKey }, 'PATCH', `/v1/connections/${last.connectionId}`, { state: 'paused' })
    fillings.push(backlogOf(stage.options, await makeWaiting(stage, connections, last.connectionId), afterHistory))
  }
  return () => write(stage, fillings)
}

/** Far above what the gateway has made by then. */
const firstCopy = 1_000

async function write(stage: Stage, fillings: readonly Filling[]): Promise<void> {
  if (fillings.length === 0) return
  await fill([stage.database, await stage.connect()], fillings)
}
