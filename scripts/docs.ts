/** Writes what the documentation shows of the code, so that it cannot drift: `npm run docs`. With `--check`: only compares. */

import { readFileSync, writeFileSync } from 'node:fs'
import { envExample, envTable } from '../src/env.ts'
import { providers } from '../src/providers/index.ts'
import { asyncApiPage } from './docs/asyncapi.ts'
import { providersPage } from './docs/providers-page.ts'

const start = '<!-- configuration: start -->'
const end = '<!-- configuration: end -->'

const pages: Record<string, string> = {
  'README.md': withTable('README.md'),
  'docs/deployment.md': withTable('docs/deployment.md'),
  '.env.example': envExample(),
  'docs/providers.md': providersPage(providers),
  'docs/asyncapi.yaml': asyncApiPage(),
}

const stale = Object.entries(pages).filter(([path, text]) => read(path) !== text)
if (!process.argv.includes('--check')) for (const [path, text] of stale) writeFileSync(path, text)
else if (stale.length > 0) {
  process.stderr.write(`not current: ${stale.map(([path]) => path).join(', ')}; run npm run docs\n`)
  process.exit(1)
}

/** The page with the table of variables between its marks. */
function withTable(path: string): string {
  const [before = '', rest = ''] = readFileSync(path, 'utf8').split(start)
  const [, after = ''] = rest.split(end)
  return `${before}${start}\n${envTable()}\n${end}${after}`
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
