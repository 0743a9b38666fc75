/** What is kept no longer than it may be, put together. */

import type { CoreOptions } from '../core.ts'
import { createErasures } from '../privacy/erasure.ts'
import { createErasureStore } from '../privacy/erasure-store.ts'
import { createRetention } from '../privacy/retention.ts'
import type { OnUncleared } from '../privacy/row-by-row.ts'
import { createLease } from '../storage/lease.ts'
import type { Foundation } from './foundation.ts'

export function createPrivacy({ database, now, log, metrics, retention }: CoreOptions, foundation: Foundation) {
  const { outgoing, activity, secrets } = foundation
  const tell =
    (by: 'age' | 'person'): OnUncleared =>
    (table, id, error) => {
      metrics.uncleared.inc({ by })
      log.error({ err: error, table, id }, 'a row could not be cleared of personal data; it is tried again later')
    }
  const erasures = createErasures({
    database,
    store: createErasureStore(database, secrets),
    outgoing,
    activity,
    onUncleared: tell('person'),
    lease: createLease({ database, name: 'erasures', now }),
    log,
    now,
  })
  const clearOld = createRetention({
    database,
    days: retention,
    lease: createLease({ database, name: 'retention', now }),
    onUncleared: tell('age'),
    log,
    now,
  })
  return {
    erasures,
    sweeps: {
      erasures: erasures.workOff,
      // However much is left, the next part has time until the next turn.
      retention: () => clearOld().then(() => 0),
    },
  }
}
