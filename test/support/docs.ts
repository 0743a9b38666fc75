/** Runs what a page of the documentation tells its readers to type. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * The `sh` blocks of a page, as somebody would paste them one after the other.
 * @param heading of the only section that is meant
 */
export function commandsOf(page: string, heading?: string): string {
  const whole = readFileSync(`${root}${page}`, 'utf8')
  const text = heading === undefined ? whole : (whole.split(`\n${heading}\n`)[1]?.split('\n## ')[0] ?? '')
  return [...text.matchAll(/^ *```sh\n(.*?)^ *```$/gms)].map(([, block = '']) => block).join('\n')
}

/** The environment, without what only tests have. */
function ofReader(): NodeJS.ProcessEnv {
  const isOurs = (name: string) => name.startsWith('TEST_') || name === 'UPDATE_GOLDEN'
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
}

/**
 * Runs them; the first that fails ends it. Resolves with the exit code and everything that was printed.
 * @param cwd default: the repository
 */
export function runCommands(
  script: string,
  env: Readonly<Record<string, string>>,
  cwd: string = root,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn('bash', ['-euxo', 'pipefail', '-c', script], { cwd, env: { ...ofReader(), ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}

/** What a fresh clone does not have. */
const notCloned = new Set(['.git', '.env', 'node_modules', 'dist', 'data'])

/** A page that was followed to the letter in a copy of the repository. */
export interface FollowedPage {
  /** Everything that its commands printed. */
  readonly output: string
  /** Files that were not there before. */
  readonly made: readonly string[]
  /** Files that are not as they were. */
  readonly changed: readonly string[]
  /** Lines of a file that were not in it before. */
  newLines(path: string): string[]
}

/** @throws {Error} with all that its commands printed, when one of them fails */
export async function followPage(page: string): Promise<FollowedPage> {
  const clone = await mkdtemp(join(tmpdir(), 'fdr-docs-'))
  try {
    await cp(root, clone, { recursive: true, filter: (path) => !notCloned.has(relative(root, path)) })
    await symlink(resolve(root, 'node_modules'), join(clone, 'node_modules'))
    const given = await textsIn(clone)
    const { code, output } = await runCommands(commandsOf(page), {}, clone)
    if (code !== 0) throw new Error(`the commands of ${page} ended with ${code}:\n${output}`)
    const found = await textsIn(clone)
    return {
      output,
      made: [...found.keys()].filter((path) => !given.has(path)),
      changed: [...given].filter(([path, text]) => found.get(path) !== text).map(([path]) => path),
      newLines(path) {
        const old = new Set(given.get(path)?.split('\n'))
        return (found.get(path) ?? '').split('\n').filter((line) => !old.has(line))
      },
    }
  } finally {
    await rm(clone, { recursive: true })
  }
}

/** Every file of a folder by its path; links are not followed. */
async function textsIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const texts = paths.sort().map(async (path) => [relative(folder, path), await readFile(path, 'utf8')] as const)
  return new Map(await Promise.all(texts))
}

/** A page's rows below a heading, each as its cells. */
export function rowsBelow(page: string, heading: string): string[][] {
  const [, below = ''] = page.split(`${heading}\n`)
  const lines = below.split(/\n#/)[0]?.split('\n') ?? []
  const cells = lines.filter((line) => line.startsWith('| ')).map((line) => line.slice(2, -2).split(' | '))
  return cells.slice(2)
}

/** Names of what an interface of a file has. */
export function membersOf(path: string, name: string): string[] {
  const [, body = ''] =
    new RegExp(`^export interface ${name} \\{\n(.*?)^\\}`, 'ms').exec(readFileSync(path, 'utf8')) ?? []
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, member = '']) => member)
}
