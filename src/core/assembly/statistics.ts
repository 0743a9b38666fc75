/** Statistics, put together: what counts, and what answers. */

import type { CoreOptions } from '../core.ts'
import { loadPrices } from '../stats/prices.ts'
import { createStats } from '../stats/stats.ts'
import { createStatsSweep } from '../stats/sweep-stats.ts'
import type { Foundation } from './foundation.ts'

/** @throws {Error} that names every mistake in the price table */
export function createStatistics({ database, configDir, now }: CoreOptions, { settings }: Foundation) {
  const prices = loadPrices(`${configDir}/prices.yaml`)
  return {
    stats: createStats({ database, prices, settings: settings.get, now }),
    sweeps: { stats: createStatsSweep({ database, now }) },
  }
}
