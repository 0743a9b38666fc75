/** Statistics, put together: what counts, and what answers. */

import type { CoreOptions } from '../core.ts'
import { createStats } from '../stats/stats.ts'
import { createStatsSweep, type StatsFailure } from '../stats/sweep-stats.ts'
import type { Foundation } from './foundation.ts'

export function createStatistics({ database, now, log, metrics }: CoreOptions, { settings, prices }: Foundation) {
  const onFailure = ({ block, times, error }: StatsFailure) => {
    metrics.workerFailures.inc({ worker: 'stats' })
    if (times === 1) log.error({ err: error, block }, 'a block of the statistics cannot be counted; others go on')
  }
  return {
    stats: createStats({ database, prices, settings: settings.get, now }),
    sweeps: { stats: createStatsSweep({ database, now, onFailure }) },
  }
}
