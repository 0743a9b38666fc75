/** What is registered, as the rest of the gateway asks for it. */

import type { NotificationKind } from './kind.ts'
import * as registry from './registry.ts'

export const kinds: readonly NotificationKind[] = Object.values(registry)
