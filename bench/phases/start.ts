/** How long it takes until a gateway that is started says that it is ready. */

import type { Figures, PhaseContext } from './phase.ts'

/** Each measurement has a process of its own, so one start is measured in each. */
export const start = async ({ running }: PhaseContext): Promise<Figures> => ({ startToReadyMs: running.readyMs })
