/** Statistics, put together: what counts, and what answers. */

import type { CoreOptions } from '../core.ts'
import { createStats } from '../stats/stats.ts'
import { createStatsSweep } from '../stats/sweep-stats.ts'
import type { Foundation } from './foundation.ts'

export function createStatistics({ database, now }: CoreOptions, { settings, prices }: Foundation) {
  return {
    stats: createStats({ database, prices, settings: settings.get, now }),
    sweeps: { stats: createStatsSweep({ database, now }) },
  }
}
