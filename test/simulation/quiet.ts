/** A log and metrics that nobody reads. */

import type { Logger } from '../../src/core/observe/logger.ts'
import { createMetrics, type Metrics } from '../../src/core/observe/metrics.ts'

const nothing = () => {}

export const silentLog = { debug: nothing, info: nothing, warn: nothing, error: nothing } as unknown as Logger

/** Made once: the counters of all seeds add up, and nobody looks. */
export const uncounted: Metrics = createMetrics()
