import { existsSync } from 'node:fs'
import type { ProviderSamples } from './provider-samples.ts'

/** Where the samples of a provider are: a file that is named by its id and exports `samples`. */
export const samplesPath = (id: string): string => `test/contract/samples/${id}.ts`

/** The samples of a provider; undefined when nobody wrote any. */
export async function samplesOf(id: string): Promise<ProviderSamples | undefined> {
  if (!existsSync(new URL(`./${id}.ts`, import.meta.url))) return undefined
  const { samples }: { readonly samples?: ProviderSamples } = await import(`./${id}.ts`)
  return samples
}
