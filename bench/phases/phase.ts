import type { Taken } from '../provider/provider.ts'
import type { Stage } from '../stage.ts'
import type { RunningVariant } from '../variants/variant.ts'

/** Figures of one measurement, by name. */
export type Figures = Readonly<Record<string, number>>

export interface PhaseContext {
  readonly stage: Stage
  readonly running: RunningVariant
  /** Messages of this variant that the provider took and no report was sent about. */
  readonly messages: Taken[]
}
