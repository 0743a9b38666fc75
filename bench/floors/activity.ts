/** Activity events of the floors: same size and fields as the gateway's, kept, published, confirmed, marked. */

import { randomUUID } from 'node:crypto'
import type { ConfirmChannel } from 'amqplib'
import type { Connection } from 'mysql2/promise'
import { names } from '../../src/consumers/topology.ts'
import { insertAll, nowText } from './sql.ts'

/** The order's details, as stored with the message. */
export type Snapshot = Readonly<Record<string, string | number | null>>

export interface FloorActivity {
  readonly eventId: string
  readonly type: string
  readonly outgoingId: number
  readonly payload: string
}

export interface Facts {
  readonly outgoingId: number
  readonly messageId: string
  readonly phone: string
  readonly snapshot: Snapshot
}

export function activityOf(type: string, { outgoingId, messageId, phone, snapshot }: Facts): FloorActivity {
  const { account_slug } = snapshot
  const payload = JSON.stringify({
    resource: 'customer_notification',
    eventType: 'POST',
    eventSubType: type,
    accountSlug: account_slug,
    accountId: null,
    actor: snapshot.customerName,
    version: 'v1',
    response_data: {
      ...snapshot,
      notification_type: 'whatsApp',
      messagedId: messageId,
      isRootMessage: 1,
      failureReason: '',
      timestamp: nowText().slice(0, 10),
      from: '911140000777',
      to: phone.slice(1),
      [`${type}At`]: nowText(),
    },
    account_slug,
  })
  return { eventId: randomUUID(), type, outgoingId, payload }
}

const into = 'activity (event_id, event_sub_type, outgoing_id, payload, created_at)'

/** Writes events in the caller's transaction; resolves with the id of the first, the others follow. */
export const keepActivities = (connection: Connection, activities: readonly FloorActivity[]): Promise<number> => {
  const at = nowText()
  return insertAll(
    connection,
    into,
    activities.map(({ eventId, type, outgoingId, payload }) => [eventId, type, outgoingId, payload, at]),
  )
}

/** Resolves when the broker has confirmed. */
export const publishActivity = (channel: ConfirmChannel, activity: FloorActivity): Promise<void> =>
  new Promise((resolve, reject) => {
    const properties = {
      messageId: activity.eventId,
      type: activity.type,
      contentType: 'application/json',
      persistent: true,
      mandatory: true,
    }
    const key = `customer_notification.${activity.type}`
    channel.publish(names.activity, key, Buffer.from(activity.payload), properties, (error) =>
      error ? reject(error) : resolve(),
    )
  })

export async function markPublished(connection: Connection, ids: readonly number[]): Promise<void> {
  const list = Array<string>(ids.length).fill('?').join(', ')
  await connection.execute(`UPDATE activity SET published_at = ? WHERE id IN (${list})`, [nowText(), ...ids])
}
