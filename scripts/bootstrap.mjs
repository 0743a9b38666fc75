// Works before anything is installed: plain JavaScript and Node's own modules only.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const inRoot = (...parts) => join(root, ...parts)
const usage = 'Usage: node scripts/bootstrap.mjs run <file.ts> [arguments] | build | start'
const unfinished = 'dist.unfinished'
const heartbeatMs = 10_000
const parentCheckMs = 500

const fail = (sentence, code = 1) => {
  console.error(`\n${sentence}`)
  process.exit(code)
}

const requireNode = (needMajor, needMinor) => {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return
  fail(
    `fdr-gateway needs Node.js ${needMajor}.${needMinor} or newer, and this is ${process.versions.node}. ` +
      'Install a newer one from https://nodejs.org, or with "nvm install" in this folder.',
  )
}

/** npm passes signals to the shell between it and us, which dies of them without passing them on: we see it gone. */
const whenShellEnds = (react) => {
  const shell = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(timer)
    react()
  }, parentCheckMs)
  return timer
}

/** Runs a program to its end and gives its exit code (128 + number when a signal ended it). */
const run = (command, args, stdin = 'inherit') =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: [stdin, 'inherit', 'inherit'] })
    const pass = (signal) => child.kill(signal)
    // At a terminal Ctrl-C reaches the child without us; a second SIGINT would cut its orderly end short.
    const passInterrupt = (signal) => process.stdin.isTTY || child.kill(signal)
    process.on('SIGTERM', pass).on('SIGHUP', pass).on('SIGINT', passInterrupt)
    const shellCheck = process.env.npm_lifecycle_event && whenShellEnds(() => child.kill('SIGTERM'))
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearInterval(shellCheck)
      process.off('SIGTERM', pass).off('SIGHUP', pass).off('SIGINT', passInterrupt)
      resolve(code ?? 128 + constants.signals[signal])
    })
  })

const packagesOf = (lockfile) => JSON.parse(readFileSync(lockfile, 'utf8')).packages

/** By content, not by age: a checkout gives package-lock.json a new time without changing it. */
const isInstalled = () => {
  const installedLock = inRoot('node_modules', '.package-lock.json')
  if (!existsSync(installedLock)) return false
  const installed = packagesOf(installedLock)
  return Object.entries(packagesOf(inRoot('package-lock.json')))
    .filter(([path, wanted]) => path !== '' && !wanted.optional && !wanted.devOptional && !wanted.peer)
    .every(([path, wanted]) => installed[path]?.version === wanted.version)
}

const npm = () => {
  const running = process.env.npm_execpath ?? ''
  return running.endsWith('npm-cli.js') ? [process.execPath, running] : ['npm']
}

const install = async () => {
  console.log('Installing dependencies (npm ci, about a minute the first time) ...')
  const startedAt = Date.now()
  const tick = () => console.log(`  still installing (${Math.round((Date.now() - startedAt) / 1000)} s)`)
  const heartbeat = process.stdout.isTTY ? undefined : setInterval(tick, heartbeatMs)
  const [command, ...first] = npm()
  const args = [...first, 'ci', '--ignore-scripts', '--include=dev', '--prefer-offline', '--loglevel=notice']
  const code = await run(command, args, 'ignore').catch((error) => error.message)
  clearInterval(heartbeat)
  if (code === 0) return
  fail(
    `The dependencies could not be installed: npm ci ended with ${code}. Is the npm registry reachable ("npm ping")? ` +
      'Behind a proxy or a mirror set it with "npm config set proxy" or "npm config set registry"; then repeat the command.',
  )
}

const ensureInstalled = async () => {
  if (!isInstalled()) await install()
}

const newestBelow = (folder) =>
  readdirSync(folder, { recursive: true }).reduce(
    (newest, name) => Math.max(newest, statSync(join(folder, name)).mtimeMs),
    statSync(folder).mtimeMs,
  )

const isBuilt = () => {
  const main = inRoot('dist', 'main.js')
  return existsSync(main) && statSync(main).mtimeMs >= newestBelow(inRoot('src'))
}

/** tsc leaves out what is not TypeScript: it comes along by copying. */
const copyAssets = (target) =>
  cpSync(inRoot('src'), inRoot(target), {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  })

/** dist/ appears whole or not at all: a build that is cut off must not look like one that can be started. */
const build = async () => {
  console.log('Building dist/ ...')
  for (const folder of ['dist', unfinished]) rmSync(inRoot(folder), { recursive: true, force: true })
  const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc')
  const code = await run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', unfinished])
  if (code !== 0) fail('The build failed; the compiler says why above.', code)
  copyAssets(unfinished)
  renameSync(inRoot(unfinished), inRoot('dist'))
}

const runTypeScript = async ([file, ...args]) => {
  if (!file) fail(usage, 2)
  await ensureInstalled()
  return run(process.execPath, ['--import', 'tsx', file, ...args])
}

const runBuild = async () => {
  await ensureInstalled()
  await build()
  return 0
}

/** Without src/ this is a container image: everything was installed and built there. */
const start = async (args) => {
  if (existsSync(inRoot('src'))) {
    await ensureInstalled()
    if (!isBuilt()) await build()
  }
  return run(process.execPath, [inRoot('dist', 'main.js'), ...args])
}

const commands = { run: runTypeScript, build: runBuild, start }

requireNode(20, 19)
const [name = '', ...rest] = process.argv.slice(2)
if (!Object.hasOwn(commands, name)) fail(usage, 2)
process.exitCode = await commands[name](rest)
