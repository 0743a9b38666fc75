import { existsSync, readdirSync } from 'node:fs'

export type TestGroup = {
  name: string
  files: string[]
  needsServices: boolean
  /** Starts gateways as processes of their own. */
  needsBuild: boolean
}

export type TestPlan = {
  groups: TestGroup[]
  /** Only a part was asked for: typecheck and lint are left out. */
  partial: boolean
  mochaArgs: string[]
}

/** Tests of pure functions, of adapters against a fake vendor and of pages: they run without MySQL and RabbitMQ. */
const withoutServices = new Set(['unit', 'contract', 'docs'])

const withGateways = /^(integration|proof|prometheus)(\/|$)/

export const listTestFiles = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => `${folder}/${name}`)
        .sort()
    : []

/**
 * Arguments below test/ choose files and folders, all others go to mocha. Each folder of test/ runs in a process of its
 * own, the quick ones first, so that a crash or a left-over in one cannot touch the others; so does each file of
 * test/proof.
 * @throws Error when an argument names no test
 */
export const planTests = (args: readonly string[], files: readonly string[]): TestPlan => {
  const wanted = args.filter(isTestPath).map((path) => path.replace(/^\.\//, '').replace(/\/$/, ''))
  const chosen = wanted.length === 0 ? files : wanted.flatMap((path) => filesBelow(path, files))
  const groups = Object.entries(groupByFolder([...new Set(chosen)]))
    .map(
      ([name, members]): TestGroup => ({
        name,
        files: members,
        needsServices: !withoutServices.has(name),
        needsBuild: withGateways.test(name),
      }),
    )
    .sort((a, b) => Number(a.needsServices) - Number(b.needsServices))
  return {
    groups,
    partial: args.length > 0,
    mochaArgs: args.filter((argument) => !isTestPath(argument)),
  }
}

const isTestPath = (argument: string): boolean => /^(\.\/)?test(\/|$)/.test(argument)

const filesBelow = (path: string, files: readonly string[]): string[] => {
  const found = files.filter((file) => file === path || path === 'test' || file.startsWith(`${path}/`))
  if (found.length === 0) throw new Error(`${path} is no test file (*.test.ts) and no folder with one.`)
  return found
}

const groupOf = (file: string): string => {
  const [, folder = '', ...below] = file.split('/')
  if (below.length === 0) return 'test'
  return folder === 'proof' ? `proof/${below.join('/').replace(/\.test\.ts$/, '')}` : folder
}

const groupByFolder = (files: readonly string[]): Record<string, string[]> => {
  const groups: Record<string, string[]> = {}
  for (const file of files) {
    const name = groupOf(file)
    groups[name] = [...(groups[name] ?? []), file]
  }
  return groups
}
