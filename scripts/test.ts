import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { reasonOf } from './services/describe.ts'
import type { Vhost } from './services/vhost.ts'
import type { Services } from './services.ts'
import { listTestFiles, planTests, type TestGroup, type TestPlan } from './test/plan.ts'
import { createStepRunner, type Step } from './test/step-runner.ts'
import { exitCodeOf, summaryOf } from './test/summary.ts'

const isFull = process.env.TEST_SCALE === 'full'
const runLimitMs = Number(process.env.TEST_RUN_LIMIT_MS ?? (isFull ? 60 : 20) * 60_000)
const runId = randomBytes(4).toString('hex')
const steps = createStepRunner()

const main = async (): Promise<void> => {
  console.log(`Test run ${runId}`)
  const plan = planTests(process.argv.slice(2), listTestFiles('test'))
  if (plan.partial) console.log('A part of the tests: typecheck and lint are left out.')
  else await checkSources()
  if (plan.groups.some((group) => group.needsBuild)) await steps.check(build)
  const services = await startServices(plan)
  try {
    await runGroups(plan, services)
  } finally {
    if (services) await endServices(services)
  }
}

const checkSources = async (): Promise<void> => {
  await steps.check({ name: 'Typecheck', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'] })
  await steps.check({ name: 'Lint', args: ['node_modules/@biomejs/biome/bin/biome', 'check', '.'] })
}

/** Gateways that tests start as processes are the built ones, as in production. */
const build: Step = { name: 'Build', args: ['scripts/bootstrap.mjs', 'build'] }

type TestServices = Services & { vhost: Vhost }

/** The drivers are loaded only here: the first line of output should not wait for them. */
const startServices = async ({ groups }: TestPlan): Promise<TestServices | undefined> => {
  if (!groups.some((group) => group.needsServices)) return undefined
  console.log('\n=== Services ===')
  const { ensureServices } = await import('./services.ts')
  const { openVhost } = await import('./services/vhost.ts')
  const services = await ensureServices()
  try {
    const vhost = await openVhost(services, `fdr_test_${runId}`, console.log)
    if (vhost.isOwn) console.log(`RabbitMQ: virtual host fdr_test_${runId}, deleted afterwards`)
    return { ...services, vhost }
  } catch (error) {
    await services.stop()
    throw error
  }
}

/** These wait most of their time: beside the others they cost hardly any. */
const waiting: readonly string[] = ['stories', 'prometheus', 'proof/doubts', 'proof/frozen']

/** What uses the broker must have it alone, which takes a virtual host that can be made. */
const isAside = ({ name }: TestGroup, services: TestServices | undefined): boolean =>
  waiting.includes(name) && (name === 'stories' || services?.vhost.isOwn === true)

const judgesSpeed = ({ name }: TestGroup): boolean => name === 'pace' || name.startsWith('proof/')

const runGroups = async (plan: TestPlan, services: TestServices | undefined): Promise<void> => {
  const isAlone = plan.groups.length === 1
  const aside = isAlone ? [] : plan.groups.filter((group) => isAside(group, services))
  const besides = aside.map((group) => testBeside(group, plan, services))
  for (const group of plan.groups.filter((candidate) => !aside.includes(candidate))) {
    // It has the machine to itself.
    if (judgesSpeed(group)) await Promise.all(besides)
    await steps.test(testStep(group, plan, services))
  }
  await Promise.all(besides)
}

const testBeside = async (group: TestGroup, plan: TestPlan, services: TestServices | undefined): Promise<void> => {
  if (!services) return steps.testAside(testStep(group, plan, services))
  const { openVhost } = await import('./services/vhost.ts')
  const vhost = await openVhost(services, `fdr_test_${runId}_${group.name.replaceAll(/\W/g, '_')}`, console.log)
  try {
    await steps.testAside(testStep(group, plan, { ...services, vhost }))
  } finally {
    await dropVhost(vhost)
  }
}

const testStep = (group: TestGroup, plan: TestPlan, services: TestServices | undefined): Step => ({
  name: `Tests: ${group.name}`,
  args: [...mochaCommand, ...(plan.partial ? [] : ['--forbid-only']), ...plan.mochaArgs, ...group.files],
  env: {
    TEST_RUN_ID: runId,
    ...(services && environmentOf(services)),
    ...(group.needsBuild && { TEST_GATEWAY_MAIN: resolve('dist/main.js') }),
  },
})

const environmentOf = ({ mysqlUrl, vhost, rabbitmqctl }: TestServices): NodeJS.ProcessEnv => ({
  TEST_MYSQL_URL: mysqlUrl,
  TEST_AMQP_URL: vhost.url,
  ...(vhost.isOwn && { TEST_RABBITMQCTL: rabbitmqctl }),
})

const dropVhost = (vhost: Vhost): Promise<void> =>
  vhost.drop().catch((error) => console.log(`\nThe virtual host could not be cleaned up: ${reasonOf(error)}`))

/** Reporter and time limit stand in .mocharc.json, where mocha started by hand finds them too. */
const mochaCommand = ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js']

const endServices = async (services: TestServices): Promise<void> => {
  const { dropTestDatabases } = await import('./test/databases.ts')
  const dropped = await dropTestDatabases(services.mysqlUrl, runId).catch((error) => [`(${reasonOf(error)})`])
  if (dropped.length > 0) console.log(`\nDropped databases that tests left behind: ${dropped.join(', ')}`)
  await dropVhost(services.vhost)
  await services.stop()
}

const finish = (): never => {
  steps.close()
  process.stdout.write(`${summaryOf(steps.total)}\n`)
  process.exit(exitCodeOf(steps.total))
}

const fail = (error: unknown): void => {
  console.error(`\n${reasonOf(error)}`)
  steps.total.failed.push(reasonOf(error).split('\n')[0] ?? '')
}

/** What is still busy after that long, an installation for example, is left to end by itself. */
const giveUpMs = 45_000

const stopRun = async (reason: string): Promise<void> => {
  setTimeout(finish, giveUpMs)
  await steps.stop(reason)
}

let interruptedAt: number | undefined

/** A second signal ends the run at once; one that follows within a second is the same one, passed on by a parent. */
const interrupt = (signal: NodeJS.Signals): void => {
  if (interruptedAt !== undefined && Date.now() - interruptedAt > 1_000) finish()
  if (interruptedAt !== undefined) return
  interruptedAt = Date.now()
  void stopRun(`interrupted by ${signal}`)
}

setTimeout(() => void stopRun(`the whole run took longer than ${runLimitMs / 1000} s`), runLimitMs).unref()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)

await main().catch(fail)
finish()
