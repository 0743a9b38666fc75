/** `docs/asyncapi.yaml`: what is taken from the broker and what is published there, from the topology that is declared. */

import { existsSync, readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { z } from 'zod'
import { routingKey } from '../../src/consumers/activity-publisher.ts'
import { names, topology } from '../../src/consumers/topology.ts'
import { agentMessage, agentMessageEvent } from '../../src/core/notifications/kinds/agent-message.ts'
import type { NotificationKind } from '../../src/core/notifications/kinds/kind.ts'
import { kinds } from '../../src/core/notifications/kinds/kinds.ts'

const folder = 'docs/schemas'
const activitySchema = 'activity-event.schema.json'
const schemaFormat = 'application/schema+json;version=draft-2020-12'

/** Made of the schema that reads them. */
function agentMessageSchema(): object {
  const made = z.toJSONSchema(agentMessageEvent, { io: 'input', unrepresentable: 'any' })
  const { $schema: _, properties, required = [], ...rest } = made
  const messageId = { type: ['string', 'number'], description: 'Or the property messageId of the broker.' }
  const type = { type: 'string', description: 'message.requested' }
  return { ...rest, required: ['type', ...required], properties: { ...properties, type, messageId } }
}

const madeSchemas: Readonly<Record<string, object>> = { [agentMessage.id]: agentMessageSchema() }

/** The schema of a kind's events within `docs/schemas`; undefined for a kind that has none there. */
function schemaFileOf({ id }: NotificationKind): string | undefined {
  const file = `${id}.event.schema.json`
  return existsSync(`${folder}/${file}`) ? file : undefined
}

/** What the events of a kind look like; undefined where nobody wrote it down. */
export function eventSchemaOf(kind: NotificationKind): object | undefined {
  const file = schemaFileOf(kind)
  return file === undefined ? madeSchemas[kind.id] : (JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as object)
}

export const asyncApiPage = (): string =>
  `# Written by npm run docs from the topology that the gateway declares.\n${stringify(asyncApi(), { lineWidth: 110 })}`

export function asyncApi() {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'fdr-gateway',
      version: '1',
      description: 'Events in, by which customers are told, and activity events out, which tell what became of it.',
    },
    defaultContentType: 'application/json',
    channels: { ...Object.fromEntries(kinds.flatMap(channelsOf)), activity },
    operations: {
      ...Object.fromEntries(kinds.flatMap(receivesOf)),
      publishActivity: { action: 'send', channel: { $ref: '#/channels/activity' } },
    },
    components: { messages: { ...Object.fromEntries(kinds.map(messageOf)), activity: activityMessage } },
  }
}

const exchange = (name: string) => {
  const found = topology.exchanges.find((candidate) => candidate.name === name)
  return { is: 'routingKey', exchange: { name, type: found?.type, durable: true }, bindingVersion: '0.3.0' }
}

/** `shipment.#` of the kind `fdr` -> `fdr`; a second key of a kind -> `fdr2`. */
const channelName = (id: string, index: number): string => (index === 0 ? id : `${id}${index + 1}`)

const channelsOf = ({ id, routingKeys }: NotificationKind) =>
  routingKeys.map((key, index) => [
    channelName(id, index),
    {
      address: key,
      description: `Published to ${names.events}; the gateway reads the queue ${names.eventQueue}.`,
      messages: { [id]: { $ref: `#/components/messages/${id}` } },
      bindings: { amqp: exchange(names.events) },
    },
  ])

const receivesOf = ({ id, routingKeys }: NotificationKind) =>
  routingKeys.map((_, index) => {
    const name = channelName(id, index)
    return [`receive_${name}`, { action: 'receive', channel: { $ref: `#/channels/${name}` } }]
  })

function messageOf(kind: NotificationKind) {
  const file = schemaFileOf(kind)
  const schema = file === undefined ? eventSchemaOf(kind) : { $ref: `./schemas/${file}` }
  return [kind.id, { name: kind.id, payload: schema ? { schemaFormat, schema } : { type: 'object' } }]
}

const subTypes = (
  JSON.parse(readFileSync(`${folder}/${activitySchema}`, 'utf8')) as {
    properties: { eventSubType: { enum: string[] } }
  }
).properties.eventSubType.enum

const step = routingKey('')

const activity = {
  address: `${step}{step}`,
  description: 'Every step of a notification. At least once: drop repeats by messageId.',
  parameters: { step: { enum: subTypes.map((subType) => routingKey(subType).slice(step.length)) } },
  messages: { activity: { $ref: '#/components/messages/activity' } },
  bindings: { amqp: exchange(names.activity) },
}

const activityMessage = {
  name: 'activity',
  headers: {
    type: 'object',
    description: 'Both or neither, as in the event.',
    properties: { conversationId: { type: 'string' }, sequence: { type: 'integer', minimum: 1 } },
    dependentRequired: { conversationId: ['sequence'], sequence: ['conversationId'] },
  },
  payload: { schemaFormat, schema: { $ref: `./schemas/${activitySchema}` } },
}
