import { DataTypes, type ModelAttributeColumnOptions, type ModelAttributes, type QueryInterface } from 'sequelize'
import { addIndex } from '../schema-steps.ts'

const { BIGINT, BLOB, DATE, INTEGER, SMALLINT, STRING, TEXT, TINYINT } = DataTypes

const id = { type: BIGINT, primaryKey: true, autoIncrement: true }
const time = { type: DATE(3) }
const required = <T extends object>(column: T) => ({ ...column, allowNull: false as const })
const stamps = { created_at: required(time), updated_at: required(time) }
const text = { type: TEXT }
/** MEDIUMTEXT and MEDIUMBLOB in MySQL; SQLite knows one size only, and the driver says so loudly. */
const longText = { type: TEXT('medium') }
const longBlob = { type: BLOB('medium') }
/** Provider ids have no documented length; 255 holds every one that was seen. */
const providerId = { type: STRING(255) }
const phone = { type: STRING(32) }

const tables: Record<string, ModelAttributes> = {
  poe_channel_settings: {
    id,
    account_id: required({ type: INTEGER }),
    /** 0 = the account itself; otherwise one of its channels. */
    channel_id: required({ type: BIGINT, defaultValue: 0 }),
    account_slug: { type: STRING(128) },
    whatsappSenderConnectionId: { type: BIGINT },
    /** Languages, time zone, country, support contacts and the like, as JSON. */
    preferences: text,
    ...stamps,
  },
  poe_channel_notifications: {
    id,
    account_id: required({ type: INTEGER }),
    channel_id: required({ type: BIGINT, defaultValue: 0 }),
    /** A reason; empty = the switch of the whole account or channel. */
    reason: required({ type: STRING(40), defaultValue: '' }),
    isWhatsappEnabled: required({ type: TINYINT, defaultValue: 0 }),
    whatsappTemplateId: { type: BIGINT },
    ...stamps,
  },
  wa_connections: {
    id,
    account_id: required({ type: INTEGER }),
    provider: required({ type: STRING(32) }),
    name: required({ type: STRING(128) }),
    /** The vendor's id of the business phone number, by which webhooks name it. */
    sender_id: { type: STRING(128) },
    business_phone: required(phone),
    /** Unguessable part of the webhook's URL. */
    webhook_key: required({ type: STRING(64) }),
    verify_token: required({ type: STRING(64) }),
    /** JSON; each value sealed on its own. */
    credentials: required(text),
    limits: text,
    fallback_connection_id: { type: BIGINT },
    /** active | paused | deleted */
    state: required({ type: STRING(16), defaultValue: 'active' }),
    state_reason: { type: STRING(255) },
    /** Set when the installation's environment describes it. */
    managed_by: { type: STRING(16) },
    ...stamps,
  },
  wa_templates: {
    id,
    /** 0 = built in; otherwise the connection at which it is registered. */
    connection_id: required({ type: BIGINT, defaultValue: 0 }),
    template_name: required({ type: STRING(512) }),
    template_body: text,
    variables: text,
    description: { type: STRING(255) },
    language: required({ type: STRING(16) }),
    category: { type: STRING(32) },
    status: required({ type: STRING(32) }),
    parameter_count: required({ type: SMALLINT, defaultValue: 0 }),
    sent_count: required({ type: BIGINT, defaultValue: 0 }),
    active: required({ type: TINYINT, defaultValue: 1 }),
    ...stamps,
  },
  wa_outgoing_messages: {
    id,
    /** 128 random bits: our id at the provider and the proof inside button payloads. */
    reference: required({ type: STRING(32) }),
    account_id: required({ type: INTEGER }),
    kind: required({ type: STRING(32) }),
    subject_type: { type: STRING(32) },
    subject_id: { type: STRING(64) },
    /** One first message per key, however often its event is delivered. */
    idempotency_key: required({ type: STRING(160) }),
    shipment_status_log_id: { type: BIGINT },
    order_number: { type: STRING(64) },
    reason: { type: STRING(40) },
    whatsappSenderConnectionId: { type: BIGINT },
    customer_phone: phone,
    customer_user_id: { type: STRING(160) },
    business_phone: phone,
    wa_template_id: { type: BIGINT },
    /** The provider's id of the first message of the conversation; null on that message itself. */
    root_message_id: providerId,
    root_outgoing_message_id: { type: BIGINT },
    /** Deprecated: the provider's id of the message that is answered. */
    context_message_id: providerId,
    message_id: providerId,
    /** What it says, as JSON in our own terms. */
    payload: text,
    /** Snapshot of the order's details, for activity events and the timeline. */
    context: text,
    /** Why this connection. */
    route: { type: STRING(255) },
    state: required({ type: STRING(16) }),
    status_rank: required({ type: TINYINT }),
    attempts: required({ type: SMALLINT, defaultValue: 0 }),
    /** When somebody has to look again: may be sent, lease over, retry; null = nothing to do. */
    due_at: time,
    expires_at: time,
    accepted_at: time,
    sent_at: time,
    delivered_at: time,
    read_at: time,
    failed_at: time,
    failure_code: { type: STRING(40) },
    failure_reason: { type: STRING(1024) },
    external_updated_at: time,
    ...stamps,
  },
  wa_send_attempts: {
    id,
    wa_outgoing_message_id: required({ type: BIGINT }),
    attempt: required({ type: SMALLINT }),
    connection_id: required({ type: BIGINT }),
    /** accepted | refused | in_doubt */
    outcome: required({ type: STRING(16) }),
    message_id: providerId,
    failure_code: { type: STRING(40) },
    vendor_code: { type: STRING(40) },
    detail: { type: STRING(1024) },
    started_at: required(time),
    finished_at: required(time),
  },
  wa_dlr_messages: {
    id,
    connection_id: required({ type: BIGINT }),
    wa_outgoing_message_id: { type: BIGINT },
    message_id: required(providerId),
    /** Our reference as the provider echoed it. */
    reference: { type: STRING(64) },
    status: required({ type: STRING(32) }),
    failure_code: { type: STRING(40) },
    failure_reason: { type: STRING(1024) },
    payload: longText,
    external_timestamp: time,
    /** Hash of what makes two reports the same one. */
    dedupe_key: required({ type: STRING(32) }),
    /** When to look for its message (again); null = applied. */
    due_at: time,
    tries: required({ type: SMALLINT, defaultValue: 0 }),
    ...stamps,
  },
  wa_customer_reply_messages: {
    id,
    connection_id: required({ type: BIGINT }),
    from_phone: phone,
    from_user_id: { type: STRING(160) },
    wa_context_outgoing_message_id: { type: BIGINT },
    wa_root_outgoing_message_id: { type: BIGINT },
    /** Deprecated: the provider's id of the message that is answered. */
    context_message_id: providerId,
    reply_message_id: required(providerId),
    customer_reply_type: required({ type: STRING(32) }),
    customer_reply_value: text,
    button_reply_id: { type: STRING(512) },
    payload: longText,
    external_updated_at: time,
    due_at: time,
    tries: required({ type: SMALLINT, defaultValue: 0 }),
    ...stamps,
  },
  wa_conversations: {
    id,
    root_outgoing_message_id: required({ type: BIGINT }),
    account_id: required({ type: INTEGER }),
    /** open | decided */
    state: required({ type: STRING(16) }),
    /** What was offered and asked so far, as JSON. */
    progress: text,
    decision: { type: STRING(32) },
    decision_value: { type: STRING(64) },
    decided_at: time,
    ...stamps,
  },
  ndr_actions: {
    id,
    root_outgoing_message_id: required({ type: BIGINT }),
    idempotency_key: required({ type: STRING(160) }),
    action: required({ type: STRING(32) }),
    request: required(text),
    /** pending | taken | refused */
    state: required({ type: STRING(16) }),
    attempts: required({ type: SMALLINT, defaultValue: 0 }),
    due_at: time,
    response_status: { type: SMALLINT },
    response: { type: STRING(1024) },
    ...stamps,
  },
  activity_events: {
    id,
    event_id: required({ type: STRING(36) }),
    event_sub_type: required({ type: STRING(64) }),
    account_id: required({ type: INTEGER }),
    wa_outgoing_message_id: { type: BIGINT },
    root_outgoing_message_id: { type: BIGINT },
    /** Exactly what is published. */
    payload: required(longText),
    created_at: required(time),
    published_at: time,
    /** When to publish it (again); null = published, or there is no broker. */
    due_at: time,
  },
  rejected_events: {
    id,
    /** event | webhook */
    source: required({ type: STRING(16) }),
    connection_id: { type: BIGINT },
    reason: required({ type: STRING(64) }),
    detail: { type: STRING(1024) },
    body: required(longBlob),
    body_hash: required({ type: STRING(64) }),
    /** parked | replayed */
    state: required({ type: STRING(16) }),
    ...stamps,
  },
}

const unique: [table: string, ...columns: string[]][] = [
  ['poe_channel_settings', 'account_id', 'channel_id'],
  ['poe_channel_notifications', 'account_id', 'channel_id', 'reason'],
  ['wa_connections', 'webhook_key'],
  // Replicas that start together all enter the environment's connection; one of them does.
  ['wa_connections', 'managed_by'],
  ['wa_templates', 'connection_id', 'template_name', 'language'],
  ['wa_outgoing_messages', 'reference'],
  ['wa_outgoing_messages', 'idempotency_key'],
  ['wa_outgoing_messages', 'message_id'],
  ['wa_send_attempts', 'wa_outgoing_message_id', 'attempt'],
  ['wa_dlr_messages', 'dedupe_key'],
  ['wa_customer_reply_messages', 'connection_id', 'reply_message_id'],
  ['wa_conversations', 'root_outgoing_message_id'],
  ['ndr_actions', 'idempotency_key'],
  ['rejected_events', 'body_hash'],
]

const indexes: [table: string, ...columns: string[]][] = [
  ['wa_connections', 'account_id'],
  ['wa_connections', 'provider', 'sender_id'],
  ['wa_outgoing_messages', 'account_id'],
  // What a lane takes next; which connections have something due; whose lease is over; what came too late.
  ['wa_outgoing_messages', 'whatsappSenderConnectionId', 'due_at'],
  ['wa_outgoing_messages', 'state', 'whatsappSenderConnectionId', 'due_at'],
  ['wa_outgoing_messages', 'state', 'due_at'],
  ['wa_outgoing_messages', 'state', 'expires_at'],
  ['wa_outgoing_messages', 'order_number'],
  ['wa_outgoing_messages', 'customer_phone'],
  ['wa_outgoing_messages', 'subject_id'],
  ['wa_outgoing_messages', 'root_outgoing_message_id'],
  ['wa_dlr_messages', 'wa_outgoing_message_id'],
  ['wa_dlr_messages', 'message_id'],
  ['wa_dlr_messages', 'due_at'],
  ['wa_customer_reply_messages', 'wa_root_outgoing_message_id'],
  ['wa_customer_reply_messages', 'due_at'],
  ['ndr_actions', 'root_outgoing_message_id'],
  ['ndr_actions', 'due_at'],
  ['activity_events', 'root_outgoing_message_id'],
  ['activity_events', 'due_at'],
]

const charset = { charset: 'utf8mb4', collate: 'utf8mb4_bin' }

const unsized = new Map<unknown, typeof TEXT | typeof BLOB>([
  [longText.type, TEXT],
  [longBlob.type, BLOB],
])

const withoutSizes = (columns: ModelAttributes): ModelAttributes =>
  Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const { type, ...rest } = column as ModelAttributeColumnOptions
      return [name, { ...rest, type: unsized.get(type) ?? type }]
    }),
  )

export async function up(schema: QueryInterface): Promise<void> {
  const isSqlite = schema.sequelize.getDialect() === 'sqlite'
  for (const [name, columns] of Object.entries(tables)) {
    await schema.createTable(name, isSqlite ? withoutSizes(columns) : columns, charset)
  }
  for (const [table, ...columns] of unique) await addIndex(schema, table, columns, true)
  for (const [table, ...columns] of indexes) await addIndex(schema, table, columns, false)
}
