/** The metrics of one gateway, made from the table. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type LabelValues, type MetricSpec, type MetricTable, metricTable } from './metric-table.ts'

type LabelsOf<S extends MetricSpec> = {
  readonly [L in keyof S['labels']]: S['labels'][L] extends readonly (infer V)[] ? V : string
}
/** A metric without labels is called with its value only. */
type Labelled<S extends MetricSpec> = [keyof S['labels']] extends [never] ? [] : [labels: LabelsOf<S>]

interface CounterOf<S extends MetricSpec> extends Pick<Counter, 'get'> {
  inc(...args: [...Labelled<S>, count?: number]): void
}
interface GaugeOf<S extends MetricSpec> extends Pick<Gauge, 'get' | 'reset'> {
  set(...args: [...Labelled<S>, value: number]): void
}
interface HistogramOf<S extends MetricSpec> {
  observe(...args: [...Labelled<S>, value: number]): void
}
type InstrumentOf<S extends MetricSpec> = S['type'] extends 'counter'
  ? CounterOf<S>
  : S['type'] extends 'gauge'
    ? GaugeOf<S>
    : HistogramOf<S>

type Instruments = { readonly [K in keyof MetricTable]: InstrumentOf<MetricTable[K]> }

export interface Metrics extends Instruments {
  readonly registry: Registry
  /** Sets gauges before each scrape; one that fails leaves its gauges as they are. */
  onScrape(read: () => void | Promise<void>): void
  /** All of it in the text format of Prometheus, as it is now. */
  text(): Promise<string>
}

/**
 * Makes the metrics on a registry of their own, so that two gateways can live in one process.
 * @param providers ids of the registry
 */
export function createMetrics(providers: readonly string[] = []): Metrics {
  const registry = new Registry()
  // Memory, garbage collection and event-loop lag of the process.
  collectDefaultMetrics({ register: registry })
  const entries = Object.entries(metricTable).map(([key, spec]) => [key, instrument(spec, registry, providers)])
  const readings: (() => void | Promise<void>)[] = []
  return {
    ...(Object.fromEntries(entries) as Instruments),
    registry,
    onScrape: (read) => void readings.push(read),
    async text() {
      await Promise.allSettled(readings.map(async (read) => read()))
      return registry.metrics()
    },
  }
}

/** @returns what counts the rounds of a worker */
export function roundsOf(metrics: Metrics, worker: string): (isDone: boolean) => void {
  metrics.workerFailures.inc({ worker }, 0)
  return (isDone) => {
    if (isDone) metrics.workerRound.set({ worker }, Date.now() / 1_000)
    else metrics.workerFailures.inc({ worker })
  }
}

function instrument(spec: MetricSpec, registry: Registry, providers: readonly string[]): object {
  const { name, help, labels } = spec
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] }
  switch (spec.type) {
    case 'counter':
      return counter(new Counter(options), spec, providers)
    case 'gauge':
      return new Gauge(options)
    case 'histogram':
      return new Histogram({ ...options, buckets: [...(spec.buckets ?? [])] })
  }
}

type Labels = Record<string, string>

/** Known series begin at 0: what comes into being with its first count shows no increase. */
function counter(made: Counter, spec: MetricSpec, providers: readonly string[]): object {
  for (const labels of knownSeries(spec, providers)) made.inc(labels, 0)
  const cuts = Object.entries(spec.labels).flatMap(([label, values]) =>
    'most' in values ? [[label, createCut(values.most)] as const] : [],
  )
  if (cuts.length === 0) return made
  const withinCuts = (labels: Labels): Labels => ({
    ...labels,
    ...Object.fromEntries(cuts.map(([label, cut]) => [label, cut(labels[label] ?? '')])),
  })
  return { inc: (labels: Labels, count?: number) => made.inc(withinCuts(labels), count), get: () => made.get() }
}

/** Lets the first values through: a counter that changed its name later would seem to start anew. */
function createCut(most: number): (value: string) => string {
  const known = new Set<string>()
  return (value) => {
    if (known.size < most) known.add(value)
    return known.has(value) ? value : 'other'
  }
}

const valuesOf = (values: LabelValues, providers: readonly string[]): readonly string[] => {
  if ('most' in values) return ['other']
  if ('fixedBy' in values) return values.fixedBy === 'providers' ? providers : []
  return values
}

const knownSeries = ({ labels }: MetricSpec, providers: readonly string[]): Labels[] =>
  Object.entries(labels).reduce<Labels[]>(
    (known, [label, values]) =>
      known.flatMap((series) => valuesOf(values, providers).map((value) => ({ ...series, [label]: value }))),
    [{}],
  )
