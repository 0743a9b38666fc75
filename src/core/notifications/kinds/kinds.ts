/** The list of kinds: a new one is one new file, and one line here. */

import { fdr } from './fdr.ts'
import type { NotificationKind } from './kind.ts'
import { purchaseOrder } from './purchase-order.ts'

export const kinds: readonly NotificationKind[] = [fdr, purchaseOrder]
