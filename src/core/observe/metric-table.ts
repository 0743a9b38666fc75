/**
 * Every metric of the gateway: name, type, help, and the values that its labels may have. What is not here is not
 * measured. Label values come from closed sets, so the number of series is known; sets that grow with the number of
 * clients are cut (see {@link Cut}).
 */

import { customerActions } from '../contract/actions.ts'
import { type FailureCode, failureKinds } from '../contract/failures.ts'

/** Values that are fixed in the code elsewhere: the registry of providers, the route table, the names of the workers. */
export interface FixedElsewhere {
  readonly fixedBy: 'providers' | 'routes' | 'workers'
}

/** At most so many values; everything beyond is added up under `other`. */
export interface Cut {
  readonly most: number
}

export type LabelValues = readonly string[] | FixedElsewhere | Cut
export type Labels = Readonly<Record<string, LabelValues>>

export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: Labels
  /** Upper bounds, of a histogram. */
  readonly buckets?: readonly number[]
}

const counter = <const L extends Labels>(name: string, help: string, labels: L) =>
  ({ type: 'counter', name, help, labels }) as const
const gauge = <const L extends Labels>(name: string, help: string, labels: L) =>
  ({ type: 'gauge', name, help, labels }) as const
const histogram = <const L extends Labels>(name: string, help: string, buckets: readonly number[], labels: L) =>
  ({ type: 'histogram', name, help, buckets, labels }) as const

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]

const provider = { fixedBy: 'providers' } as const
const route = { fixedBy: 'routes' } as const
const worker = { fixedBy: 'workers' } as const
/** Four gauges and two counters have it: some 600 series. */
const connection = { most: 100 } as const
/** One counter has it, with five stages. */
const account = { most: 100 } as const

const failures = Object.keys(failureKinds) as FailureCode[]
/** Why connections are paused by themselves. */
const pauseReasons = [...failures.filter((code) => failureKinds[code].class === 'refused_account'), 'blocked'] as const

/** What a first message reaches, in this order. */
export const stages = ['queued', 'sent', 'delivered', 'read', 'decided'] as const
export type Stage = (typeof stages)[number]

/** What connections to the broker are used for. */
export const brokerPurposes = ['events', 'kept webhooks', 'activity', 'control', 'keeping webhooks'] as const
export type BrokerPurpose = (typeof brokerPurposes)[number]

export const metricTable = {
  events: counter('fdr_events_total', 'Events taken in, by what became of them', {
    outcome: ['queued', 'skipped', 'duplicate', 'parked', 'refused'],
  }),
  eventsPutOff: counter(
    'fdr_events_put_off_total',
    'Events that could not be stored when they came; they come again',
    {},
  ),
  firstMessages: counter('fdr_first_messages_total', 'First messages that reached a stage, by account', {
    account,
    stage: stages,
  }),
  sends: counter('fdr_sends_total', 'Attempts to send, by outcome', {
    provider,
    outcome: ['accepted', 'refused', 'in_doubt'],
  }),
  sendFailures: counter('fdr_send_failures_total', 'Attempts that were not accepted, by failure code', {
    provider,
    failure: failures,
  }),
  sendSeconds: histogram('fdr_send_seconds', 'From the call of the provider to the stored outcome', seconds, {
    provider,
  }),
  connectionSends: counter('fdr_connection_sends_total', 'Messages that a connection took', { connection }),
  connectionReports: counter('fdr_connection_reports_total', 'Delivery reports that came through a connection', {
    connection,
  }),
  inFlight: gauge('fdr_sends_in_flight', 'Messages being handed to providers now', {}),
  laneInFlight: gauge('fdr_lane_in_flight', 'The same by connection', { connection }),
  laneWaiting: gauge('fdr_lane_waiting', 'Stored messages that wait for a connection (100,000 are counted)', {
    connection,
  }),
  laneOldest: gauge('fdr_lane_oldest_waiting_seconds', 'For how long the one that should have gone first is due', {
    connection,
  }),
  laneBreakerOpen: gauge('fdr_lane_breaker_open', '1 while the circuit breaker is not closed', { connection }),
  breakersOpen: gauge('fdr_breakers_open', 'Connections whose circuit breaker is not closed', {}),
  connections: gauge('fdr_connections', 'Sender connections that are not deleted, by state', {
    provider,
    state: ['active', 'paused'],
  }),
  connectionsNeedingRepair: gauge(
    'fdr_connections_needing_repair',
    'Connections that are paused until somebody mends them, by reason',
    { reason: pauseReasons },
  ),
  connectionsPaused: counter('fdr_connections_paused_total', 'Connections that had to be paused, by reason', {
    reason: pauseReasons,
  }),
  doubtsOpen: gauge(
    'fdr_doubts_open',
    'Sends of which nobody knows whether the provider took them (5,000 are counted)',
    {},
  ),
  doubtsOldest: gauge('fdr_doubts_oldest_seconds', 'Age of the oldest of them', {}),
  doubts: counter('fdr_doubts_resolved_total', 'Sends in doubt that were decided, by how', {
    resolution: ['reported', 'taken', 'not_sent', 'not_needed', 'resend', 'unknown', 'by_hand'],
  }),
  polled: counter('fdr_polled_parts_total', 'What providers told when they were asked about messages', {
    part: ['report', 'reply', 'contact_news', 'account_news', 'unreadable', 'ignored'],
  }),
  webhooks: counter('fdr_webhooks_total', 'Webhook requests, by result', {
    provider,
    result: ['stored', 'kept', 'not_stored', 'forged'],
  }),
  inboundParts: counter('fdr_inbound_parts_total', 'Parts of webhooks, by kind', {
    kind: ['report', 'reply', 'contact_news', 'account_news', 'unreadable', 'ignored', 'misrouted'],
  }),
  inboundUnapplied: gauge('fdr_inbound_unapplied', 'Stored parts that are due to be applied (10,000 are counted)', {
    part: ['report', 'reply', 'contact_news', 'account_news'],
  }),
  inboundOldest: gauge('fdr_inbound_unapplied_oldest_seconds', 'For how long the first of them is due', {
    part: ['report', 'reply', 'contact_news', 'account_news'],
  }),
  reports: counter('fdr_reports_total', 'Delivery reports applied, by status', {
    status: ['accepted', 'sent', 'delivered', 'read', 'failed', 'other'],
  }),
  replies: counter('fdr_replies_total', 'Customer replies applied, by what they led to', {
    step: ['decision', 'choice', 'words', 'stray'],
  }),
  contactNews: counter('fdr_contact_news_total', 'News about customers applied, by kind', {
    news: ['human_wrote', 'marketing_stopped', 'marketing_resumed', 'moved'],
  }),
  decisions: counter('fdr_decisions_total', 'Decisions of customers, by what they decided', {
    action: customerActions,
  }),
  decisionsUnpushed: gauge('fdr_decisions_unpushed', 'Decisions that are due to be pushed (10,000 are counted)', {}),
  decisionsOldest: gauge('fdr_decisions_unpushed_oldest_seconds', 'For how long the first of them is due', {}),
  ndrCalls: counter('fdr_ndr_calls_total', 'Calls of the NDR API, by what became of the decision', {
    result: ['taken', 'refused', 'pending'],
  }),
  ndrCircuitOpen: gauge('fdr_ndr_circuit_open', '1 while the NDR API is not called because it does not answer', {}),
  links: counter('fdr_links_total', 'Requests for tracked links, by what they were', {
    result: ['click', 'preview', 'expired', 'unknown', 'uncounted'],
  }),
  wmsLookUps: counter('fdr_wms_look_ups_total', 'Status logs looked up in the warehouse system, by result', {
    result: ['found', 'foreign', 'missing', 'failed'],
  }),
  published: counter('fdr_activity_published_total', 'Activity events confirmed by the broker', {}),
  unroutable: counter('fdr_activity_unroutable_total', 'Activity events that no queue was bound for', {}),
  unpublished: gauge(
    'fdr_activity_unpublished',
    'Activity events that the broker does not have yet (10,000 are counted)',
    {},
  ),
  unpublishedOldest: gauge('fdr_activity_unpublished_oldest_seconds', 'Age of the oldest of them', {}),
  parked: gauge('fdr_rejected_events_parked', 'Parked and not replayed, among the newest 1,000, by source', {
    source: ['event', 'webhook'],
  }),
  invariantDrift: gauge(
    'fdr_invariant_drift',
    'What is missing from a sum that must come out even; 0 when all is well',
    {
      invariant: ['events', 'sends', 'stranded_messages'],
    },
  ),
  uncleared: counter(
    'fdr_uncleared_rows_total',
    'Rows that could not be cleared of personal data, by why they were to be',
    {
      by: ['age', 'person'],
    },
  ),
  workerRound: gauge('fdr_worker_last_round_timestamp_seconds', 'When a worker last did a round without an error', {
    worker,
  }),
  workerFailures: counter('fdr_worker_failures_total', 'Rounds of a worker that failed', { worker }),
  batchSize: histogram('fdr_batch_size', 'Items written in one group', sizes, {
    batch: ['events', 'outcomes', 'webhooks', 'activity'],
  }),
  databaseConnections: gauge('fdr_database_connections', 'Connections of the pool, by what they do', {
    state: ['used', 'free'],
  }),
  databaseWaiting: gauge('fdr_database_waiting', 'Work that waits for a connection of the pool', {}),
  storedStateRead: gauge(
    'fdr_stored_state_read',
    '1 if what is read from the tables is fresh; else it is the last known',
    {},
  ),
  brokerConnected: gauge('fdr_broker_connected', '1 while connected to RabbitMQ, by what for', {
    purpose: brokerPurposes,
  }),
  brokerLosses: counter('fdr_broker_losses_total', 'How often RabbitMQ was lost, by what for', {
    purpose: brokerPurposes,
  }),
  queueInHand: gauge('fdr_queue_in_hand', 'Messages taken from a queue and not acknowledged yet', {
    queue: ['gateway.events', 'gateway.inbound'],
  }),
  httpSeconds: histogram('fdr_http_seconds', 'HTTP requests', seconds, {
    route,
    status: ['1xx', '2xx', '3xx', '4xx', '5xx'],
  }),
} as const satisfies Readonly<Record<string, MetricSpec>>

export type MetricTable = typeof metricTable
