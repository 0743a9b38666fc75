import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse, parseAllDocuments } from 'yaml'
import { createMetrics } from '../../src/core/observe/metrics.ts'
import { envTable, readEnv, settings } from '../../src/env.ts'
import { createRoutes, type Handlers } from '../../src/http/routes.ts'

type Yaml = Record<string, unknown>

interface Service {
  readonly image?: string
  readonly build?: string
  readonly command?: string | readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>> | readonly string[]
  readonly read_only?: boolean
  readonly stop_grace_period?: string
}

const compose = parse(readFileSync('compose.yaml', 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Yaml
}
const { services } = compose
const dockerfile = readFileSync('Dockerfile', 'utf8')

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
  readonly periodSeconds: number
  readonly failureThreshold: number
}

interface Container {
  readonly image: string
  readonly command?: readonly string[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly securityContext: Yaml
}

interface PodSpec {
  readonly containers: readonly [Container]
  readonly securityContext: Yaml
  readonly terminationGracePeriodSeconds: number
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name?: string; readonly generateName?: string }
  readonly data: Readonly<Record<string, string>>
  readonly stringData: Readonly<Record<string, string>>
  readonly spec: {
    readonly template: { readonly metadata: { readonly labels: Yaml }; readonly spec: PodSpec }
    readonly selector: Yaml & { readonly matchLabels: Yaml }
    readonly strategy: { readonly rollingUpdate: Yaml }
    readonly metrics: readonly { readonly external?: { readonly metric: { readonly name: string } } }[]
    readonly scaleTargetRef: Yaml
    readonly minReplicas: number
    readonly replicas: number
    readonly maxUnavailable: number
    readonly ports: readonly { readonly targetPort: string }[]
  }
}

const folder = 'deploy/kubernetes'
const files = readdirSync(folder)
const manifests = files.flatMap((name) =>
  parseAllDocuments(readFileSync(join(folder, name), 'utf8')).map((document) => {
    expect(document.errors, name).to.deep.equal([])
    return document.toJS() as Manifest
  }),
)
function manifest(kind: string): Manifest {
  const [found, ...others] = manifests.filter((candidate) => candidate.kind === kind)
  if (!found || others.length > 0) throw new Error(`there is not one ${kind}`)
  return found
}

const routes = createRoutes(
  new Proxy(
    { webhooks: {}, webhookAliases: {} },
    { get: (given, name) => Reflect.get(given, name) ?? {} },
  ) as unknown as Handlers,
)
const openPaths = routes.filter(({ auth }) => auth === 'public').map(({ path }) => path)

/** `dist/main.js` is built from `src/main.ts`. */
const expectBuilt = (command: readonly string[]) => {
  expect(command[0]).to.equal('node')
  expect(existsSync(String(command[1]).replace(/^dist\/(.*)\.js$/, 'src/$1.ts')), command.join(' ')).to.equal(true)
}

const own = Object.entries(services).filter(([, { build }]) => build !== undefined)
/** `${NAME:-value}` -> `value`. */
const filledIn = (text: string) => text.replace(/\$\{\w+:-([^}]*)\}/g, '$1')

describe('compose.yaml', () => {
  it('sets only variables that there are, to values that the gateway takes', () => {
    for (const name of ['gateway', 'migrate']) {
      const environment = services[name]?.environment ?? {}
      for (const variable of Object.keys(environment)) expect(settings).to.have.property(variable)
      const filled = Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, filledIn(value)]))
      expect(() => readEnv(filled)).to.not.throw()
      expect(filled).to.include.keys('DATABASE_URL', 'SECRETS_KEYS', 'ADMIN_API_KEY')
    }
  })

  it('starts what is built, and what it needs before it', () => {
    expect(own.map(([name]) => name)).to.deep.equal(['migrate', 'gateway', 'simulator'])
    for (const [, { command }] of own) if (Array.isArray(command)) expectBuilt(command as string[])
    expect(services.gateway?.depends_on).to.deep.equal({
      migrate: { condition: 'service_completed_successfully' },
      rabbitmq: { condition: 'service_healthy' },
    })
    for (const { depends_on = [] } of Object.values(services))
      for (const name of Array.isArray(depends_on) ? depends_on : Object.keys(depends_on))
        expect(services).to.have.property(name)
  })

  it('lets the gateway write nothing and nobody reach it from outside', () => {
    for (const [name, service] of own) {
      expect(service, name).to.deep.include({ read_only: true, cap_drop: ['ALL'] })
      expect(service.volumes, name).to.equal(undefined)
    }
    for (const { ports = [] } of Object.values(services))
      for (const port of ports) expect(port).to.match(/^127\.0\.0\.1:/)
  })

  it('names a version of every image that it does not build', () => {
    for (const { image, build } of Object.values(services)) if (build === undefined) expect(image).to.match(/:v?\d/)
  })

  it('has the volumes that are used', () => {
    const used = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(':')[0] ?? ''),
    )
    expect(used.filter((name) => !name.startsWith('.'))).to.have.members(Object.keys(compose.volumes))
    for (const path of used.filter((name) => name.startsWith('.'))) expect(existsSync(path), path).to.equal(true)
  })

  it('gives the gateway the time that it takes to stop', () => {
    const drain = Number(services.gateway?.environment?.DRAIN_SECONDS)
    expect(Number.parseInt(services.gateway?.stop_grace_period ?? '', 10)).to.be.greaterThan(drain + longestStop())
  })
})

/** Seconds after which a process that is asked to stop ends whatever happens, beside the wait for load balancers. */
const longestStop = (): number => Number(/stopMs = (\d+)_000/.exec(readFileSync('src/main.ts', 'utf8'))?.[1])

describe('the image', () => {
  it('is Node 24, runs as nobody in particular, and starts what is built', () => {
    expect(dockerfile.match(/^FROM .*$/gm)).to.deep.equal([
      'FROM node:24-slim AS build',
      'FROM node:24-slim AS packages',
      'FROM node:24-slim',
    ])
    expect(dockerfile).to.match(/^USER 1000:1000$/m)
    expectBuilt(JSON.parse(/^CMD (.*)$/m.exec(dockerfile)?.[1] ?? '') as string[])
  })

  it('asks a path that there is for its health', () => {
    const [, path = ''] =
      /fetch\(`http:\/\/127\.0\.0\.1:\$\{process\.env\.PORT \|\| 8080\}(\/[\w/]+)`\)/.exec(dockerfile) ?? []
    expect(openPaths).to.include(path)
    expect(settings.PORT?.schema.safeParse(undefined).data).to.equal(8080)
  })

  it('is given all that it copies', () => {
    const ignored = readFileSync('.dockerignore', 'utf8').split('\n')
    for (const [, sources = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
      for (const source of sources.split(' ')) {
        expect(existsSync(source), source).to.equal(true)
        expect(ignored, source).to.include(`!${source}`)
      }
  })
})

describe('the manifests for Kubernetes', () => {
  const deployment = manifest('Deployment')
  const pod = deployment.spec.template.spec
  const [container] = pod.containers
  const config = manifest('ConfigMap').data
  const secret = manifest('Secret').stringData

  it('set only variables that there are, to values that the gateway takes', () => {
    for (const variable of [...Object.keys(config), ...Object.keys(secret)]) expect(settings).to.have.property(variable)
    const keys = { SECRETS_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`, ADMIN_API_KEY: 'at-least-16-characters' }
    expect(() => readEnv({ ...config, ...secret, ...keys })).to.not.throw()
  })

  it('probe paths that there are, at the port that is listened on', () => {
    const { startupProbe, livenessProbe, readinessProbe } = container
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
      expect(openPaths).to.include(httpGet.path)
      expect(container.ports?.map(({ name }) => name)).to.include(httpGet.port)
    }
    expect(readinessProbe.httpGet.path).to.equal('/health/ready')
    expect(container.ports?.map(({ containerPort }) => String(containerPort))).to.deep.equal([config.PORT])
    expect(manifest('Service').spec.ports.map(({ targetPort }) => targetPort)).to.deep.equal(['http'])
  })

  it('leave time to be seen as not ready, and to stop', () => {
    const { periodSeconds, failureThreshold } = container.readinessProbe
    const drain = Number(config.DRAIN_SECONDS)
    expect(drain).to.be.greaterThan(2 * periodSeconds * failureThreshold)
    expect(pod.terminationGracePeriodSeconds).to.be.greaterThan(drain + longestStop())
  })

  it('replace one by one, and never all at once', () => {
    expect(deployment.spec.strategy.rollingUpdate).to.deep.equal({ maxSurge: 1, maxUnavailable: 0 })
    expect(manifest('PodDisruptionBudget').spec.maxUnavailable).to.be.lessThan(deployment.spec.replicas)
    expect(manifest('HorizontalPodAutoscaler').spec.minReplicas).to.equal(deployment.spec.replicas)
  })

  it('run as nobody in particular on a read-only file system', () => {
    for (const kind of ['Deployment', 'Job']) {
      const { securityContext, containers } = manifest(kind).spec.template.spec
      expect(securityContext, kind).to.deep.include({ runAsNonRoot: true, runAsUser: 1000 })
      expect(containers[0].securityContext, kind).to.deep.equal({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
    }
  })

  it('migrate by what is built, and are found by their labels', () => {
    expectBuilt(manifest('Job').spec.template.spec.containers[0].command ?? [])
    const { labels } = deployment.spec.template.metadata
    expect(deployment.spec.selector.matchLabels).to.deep.equal(labels)
    expect(manifest('Service').spec.selector).to.deep.equal(labels)
    expect(manifest('PodDisruptionBudget').spec.selector.matchLabels).to.deep.equal(labels)
    // Else the service would send requests to the job.
    expect(manifest('Job').spec.template.metadata.labels).to.not.deep.equal(labels)
  })

  it('scale by a metric that there is', async () => {
    const { metrics, scaleTargetRef } = manifest('HorizontalPodAutoscaler').spec
    expect(scaleTargetRef).to.deep.include({ kind: 'Deployment', name: deployment.metadata.name })
    const known = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name)
    for (const name of metrics.flatMap(({ external }) => external?.metric.name ?? [])) expect(known).to.include(name)
  })

  it('are all in the kustomization, but for what is made by hand', () => {
    const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] }
    const apart = ['kustomization.yaml', 'migrate-job.yaml', 'secret.example.yaml']
    expect([...resources, ...apart]).to.have.members(files)
  })
})

describe('docs/deployment.md', () => {
  const page = readFileSync('docs/deployment.md', 'utf8')

  it('shows every variable as the one definition has it (npm run docs writes it)', () =>
    expect(page).to.include(envTable()))

  it('leads only to files that exist', () => {
    const links = [...page.matchAll(/\]\(((?!https?:)[^)#]+)\)/g)].map(([, path = '']) => join('docs', path))
    expect(links).to.not.be.empty
    for (const path of links) expect(existsSync(path), path).to.equal(true)
  })
})
