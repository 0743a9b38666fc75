/** How reading the integration engine goes, for operators. */

import type { EngineTurns } from '../../core/engine/engine-turns.ts'
import { HttpProblem } from '../problem.ts'
import type { Reply } from '../route.ts'

/** @param turns undefined = the installation has no integration engine */
export const createEngineHandlers = (turns: EngineTurns | undefined) => ({
  async status(): Promise<Reply> {
    return { status: 200, body: await needed(turns).status() }
  },

  /** Asks for a refresh at once. */
  async refresh(): Promise<Reply> {
    await needed(turns).hasten()
    return { status: 202, body: await needed(turns).status() }
  },
})

function needed(turns: EngineTurns | undefined): EngineTurns {
  if (!turns) throw new HttpProblem(404, 'this installation has no integration engine; see INTEGRATION_ENGINE_URL')
  return turns
}
