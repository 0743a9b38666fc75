/** Looks up the order details for which events wait, keeps them with their messages, and lets the events go. */

import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Database, Executor } from '../storage/database.ts'
import { selectIn, updateRows } from '../storage/rows.ts'
import type { FoundOrders, OrderDetails, WantedOrder } from '../wms/order-details.ts'
import { withOrderDetails } from './activity-event.ts'
import type { ActivityStore } from './activity-store.ts'
import type { OrderSnapshot } from './order-snapshot.ts'
import type { WaitingActivity, WaitingEvent } from './waiting-activity.ts'

export interface CompleteDeps {
  readonly database: Database
  readonly waiting: WaitingActivity
  readonly activity: Pick<ActivityStore, 'write' | 'committed'>
  readonly details: OrderDetails
  readonly now: () => Date
  readonly log: Logger
  readonly metrics: Metrics
}

const groupSize = 64

/**
 * Lets one group of waiting events go: with what was found; with what is known, when there is nothing to be found or
 * the database did not answer in time.
 * @returns how many went out
 */
export async function completeActivity(deps: CompleteDeps): Promise<number> {
  const events = await deps.waiting.waiting(groupSize)
  if (events.length === 0) return 0
  const found = await lookUp(deps, events)
  const ready = found ? events : dueByNow(events, deps.now())
  if (ready.length === 0) return 0
  await release(deps, ready, found)
  deps.activity.committed()
  return ready.length
}

const wantedOf = ({ statusLogId, record: { accountId } }: WaitingEvent): WantedOrder => ({ statusLogId, accountId })

/** Undefined when there was no answer. */
async function lookUp({ details, log, metrics }: CompleteDeps, events: readonly WaitingEvent[]) {
  const orders = new Map(events.map(wantedOf).map((order) => [`${order.accountId}/${order.statusLogId}`, order]))
  const wanted = [...orders.values()]
  try {
    const found = await details.find(wanted)
    for (const order of wanted) metrics.wmsLookUps.inc({ result: resultOf(order, found) })
    const foreign = wanted.filter((order) => resultOf(order, found) === 'foreign')
    if (foreign.length > 0) log.warn({ orders: foreign }, 'order details were left out: they are of another account')
    return found
  } catch (error) {
    metrics.wmsLookUps.inc({ result: 'failed' }, wanted.length)
    log.warn({ err: error }, 'order details could not be looked up')
    return undefined
  }
}

function resultOf(order: WantedOrder, found: FoundOrders): 'found' | 'foreign' | 'missing' {
  if (found.of(order)) return 'found'
  return found.has(order.statusLogId) ? 'foreign' : 'missing'
}

/** Events of one conversation stay in order: one whose time is not over holds back those after it. */
function dueByNow(events: readonly WaitingEvent[], now: Date): WaitingEvent[] {
  const held = new Set<number>()
  return events.filter(({ rootId, waitUntil }) => {
    if (waitUntil > now) held.add(rootId)
    return !held.has(rootId)
  })
}

/** @param found undefined when there was no answer */
async function release(
  deps: CompleteDeps,
  events: readonly WaitingEvent[],
  found: FoundOrders | undefined,
): Promise<void> {
  const { database, waiting, activity, now } = deps
  const roots = [...new Set(events.map(({ rootId }) => rootId))].sort((a, b) => a - b)
  await database.transaction(async (tx) => {
    // As for everything that is written about a conversation.
    await selectIn(tx, 'SELECT id FROM wa_outgoing_messages WHERE id', roots, ` ORDER BY id${database.forUpdate}`)
    const ids = events.map(({ id }) => id)
    const taken = await waiting.take(tx, ids)
    const own = events.filter(({ id }) => taken.has(id))
    if (found) await keepDetails(tx, own, found)
    const records = own.map((event) => withOrderDetails(event.record, found?.of(wantedOf(event)) ?? {}))
    await activity.write(tx, records, now())
  })
}

/** The found snapshot goes to all messages of the conversation, so that nobody looks it up again. */
async function keepDetails(tx: Executor, events: readonly WaitingEvent[], found: FoundOrders): Promise<void> {
  const detailsOf = new Map(
    events.flatMap((event) => {
      const details = found.of(wantedOf(event))
      return details ? [[event.rootId, details] as const] : []
    }),
  )
  const roots = [...detailsOf.keys()]
  const select = 'SELECT id, COALESCE(root_outgoing_message_id, id) AS root, context FROM wa_outgoing_messages WHERE'
  const messages = [
    ...(await selectIn<MessageRow>(tx, `${select} id`, roots)),
    ...(await selectIn<MessageRow>(tx, `${select} root_outgoing_message_id`, roots)),
  ]
  const rows = messages.map(({ id, root, context }) => {
    const details = detailsOf.get(Number(root)) ?? {}
    const known = context ? (JSON.parse(context) as OrderSnapshot) : {}
    return {
      id: Number(id),
      context: JSON.stringify({ ...details, ...withoutBlanks(known) }),
      order_number: (known.orderNumber || details.orderNumber)?.slice(0, 64) ?? null,
    }
  })
  await updateRows(tx, 'wa_outgoing_messages', rows)
}

interface MessageRow {
  id: number
  root: number
  context: string | null
}

/** What the event said is never replaced; what it left empty is. */
const withoutBlanks = (snapshot: OrderSnapshot): OrderSnapshot =>
  Object.fromEntries(Object.entries(snapshot).filter(([, value]) => value !== ''))
