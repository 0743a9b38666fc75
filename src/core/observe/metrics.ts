/** Every metric of the gateway, declared in one table. Labels come from closed sets only. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const sizeBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256]

/** Makes the metrics on a registry of their own, so that two gateways can live in one process. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  // Memory, garbage collection and event-loop lag of the process.
  collectDefaultMetrics({ register: registry })
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers })
  const histogram = <L extends string>(name: string, help: string, buckets: number[], labelNames: readonly L[] = []) =>
    new Histogram<L>({ name, help, buckets, labelNames: [...labelNames], registers })
  return {
    registry,
    events: counter('fdr_events_total', 'Events taken in, by what became of them', ['outcome']),
    sends: counter('fdr_sends_total', 'Attempts to send, by outcome and failure code', ['outcome', 'failure']),
    sendSeconds: histogram('fdr_send_seconds', 'From the call of the provider to the stored outcome', latencyBuckets),
    inFlight: gauge('fdr_sends_in_flight', 'Messages being handed to providers now'),
    connectionsPaused: counter('fdr_connections_paused_total', 'Connections that had to be paused, by reason', [
      'reason',
    ]),
    polled: counter('fdr_polled_parts_total', 'What providers told when they were asked about messages', ['part']),
    doubts: counter('fdr_doubts_resolved_total', 'Sends in doubt that were decided, by how', ['resolution']),
    breakersOpen: gauge('fdr_breakers_open', 'Connections whose circuit breaker is not closed'),
    webhooks: counter('fdr_webhooks_total', 'Webhook requests, by result', ['provider', 'result']),
    inboundParts: counter('fdr_inbound_parts_total', 'Parts of webhooks, by kind', ['kind']),
    reports: counter('fdr_reports_total', 'Delivery reports applied, by status', ['status']),
    replies: counter('fdr_replies_total', 'Customer replies applied, by what they led to', ['step']),
    contactNews: counter('fdr_contact_news_total', 'News about customers applied, by kind', ['news']),
    ndrCalls: counter('fdr_ndr_calls_total', 'Calls of the NDR API, by result', ['result']),
    ndrCircuitOpen: gauge('fdr_ndr_circuit_open', '1 while the NDR API is not called because it does not answer'),
    links: counter('fdr_links_total', 'Requests for tracked links, by what they were', ['result']),
    wmsLookUps: counter('fdr_wms_look_ups_total', 'Status logs looked up in the warehouse system, by result', [
      'result',
    ]),
    published: counter('fdr_activity_published_total', 'Activity events confirmed by the broker'),
    unroutable: counter('fdr_activity_unroutable_total', 'Activity events that no queue was bound for'),
    batchSize: histogram('fdr_batch_size', 'Items written in one group', sizeBuckets, ['batch']),
    httpSeconds: histogram('fdr_http_seconds', 'HTTP requests', latencyBuckets, ['route', 'status']),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
