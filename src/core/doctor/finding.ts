import type { ConnectionCheck } from '../contract/provider.ts'

export const well = (name: string, detail: string): ConnectionCheck => ({ name, ok: true, detail })

export const unwell = (name: string, detail: string, fix: string): ConnectionCheck => ({ name, ok: false, detail, fix })
