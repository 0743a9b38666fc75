/** Whole answers compared with files of test/golden. `UPDATE_GOLDEN=1` writes them anew, for a person to read the diff. */

import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'

/** What differs from run to run; each distinct value gets a number, so that what belongs together stays visible. */
const kinds: readonly { readonly label: string; readonly pattern: RegExp }[] = [
  { label: 'wamid', pattern: /wamid\.[\w+/=-]+/g },
  { label: 'uuid', pattern: /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g },
  { label: 'reference', pattern: /(?<=^|g1\.|ndr:|\/track\/whatsapp\/)[\w-]{22}(?=\.|"|$)/g },
]
const times = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g
const ownUrl = /http:\/\/localhost:\d+/g

/** The same with ids, times and ports masked. */
export function masked(value: unknown): unknown {
  const seen = new Map<string, string>()
  const counts = new Map<string, number>()
  const labelOf = (label: string, found: string) => {
    const known = seen.get(found)
    if (known) return known
    const number = (counts.get(label) ?? 0) + 1
    counts.set(label, number)
    seen.set(found, `<${label} ${number}>`)
    return `<${label} ${number}>`
  }
  const maskText = (text: string) =>
    kinds
      .reduce((masking, { label, pattern }) => masking.replace(pattern, (found) => labelOf(label, found)), text)
      .replace(times, '<time>')
      .replace(ownUrl, '<gateway>')
  const mask = (node: unknown, key?: string): unknown => {
    if (typeof node === 'string')
      return key === 'timestamp' ? node.replace(/^\d\d-\d\d-\d{4}$/, '<day>') : maskText(node)
    if (Array.isArray(node)) return node.map((entry) => mask(entry))
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([name, entry]) => [name, mask(entry, name)]))
  }
  return mask(value)
}

/** @param name of the file, without its ending */
export function expectGolden(name: string, value: unknown): void {
  const file = new URL(`../golden/${name}.json`, import.meta.url)
  const actual = masked(JSON.parse(JSON.stringify(value)))
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, `${JSON.stringify(actual, null, 2)}\n`)
  expect(actual).to.deep.equal(JSON.parse(readFileSync(file, 'utf8')))
}
