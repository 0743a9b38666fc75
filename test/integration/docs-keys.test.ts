import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { inWorld } from '../support/stories.ts'
import { adminKey } from '../support/world.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The commands of the page, as somebody would paste them one after the other. */
const commandsOf = (page: string): string =>
  [...page.matchAll(/^ *```sh\n(.*?)^ *```$/gms)].map(([, block = '']) => block).join('\n')

interface Run {
  readonly code: number | null
  readonly output: string
}

function bash(script: string, env: Readonly<Record<string, string>>): Promise<Run> {
  const child = spawn('bash', ['-euxo', 'pipefail', '-c', script], { cwd: root, env: { ...process.env, ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}

describe("the operator's page on keys", function () {
  this.timeout(120_000)

  it('says what works', () =>
    inWorld({ storage: 'sqlite' }, async (world) => {
      const script = commandsOf(readFileSync(`${root}/docs/keys.md`, 'utf8'))
      expect(script).to.include('npm run rotate-secrets').and.to.include('-X DELETE')
      const { DATABASE_URL = '', SECRETS_KEYS = '' } = world.env
      const given = { GATEWAY: world.url, ADMIN_API_KEY: adminKey, DATABASE_URL, SECRETS_KEYS }
      const { code, output } = await bash(script, given)
      expect(code, output).to.equal(0)
      expect(output).to.match(/\d+ of \d+ connections sealed anew with the key k\d{14}/)
      const [row] = await world.rows<{ credentials: string }>('SELECT credentials FROM wa_connections')
      expect(row?.credentials)
        .to.match(/v1:k\d{14}:/)
        .and.not.match(/v1:k1:/)
    }))
})
