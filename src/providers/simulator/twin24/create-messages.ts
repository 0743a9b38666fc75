/** `POST /messages`: checks, takes, lies where it is told to, and starts what becomes of each message. */

import { randomUUID } from 'node:crypto'
import { digitsOf } from '../../../core/contract/address.ts'
import { type Call, json, type Outcome } from '../answers.ts'
import { type Fields, fieldsOf, isFilled, listOf, parseJson, textOf } from '../shapes.ts'
import type { Timers } from '../timers.ts'
import type { Callbacks } from './callbacks.ts'
import type { Company, ParsedTwinRule } from './inputs.ts'
import type { TwinMessage, TwinState } from './state.ts'
import { faultOf, faultOfItem } from './validate.ts'

export interface CreateDeps {
  readonly state: TwinState
  readonly callbacks: Callbacks
  readonly timers: Timers
  /** The rule that meets a recipient, used up by it. */
  readonly pick: (phone: string) => ParsedTwinRule | undefined
  /** Between one status and the next. */
  readonly stepMs: number
}

export async function createMessages(deps: CreateDeps, call: Call, company: Company, token: string): Promise<Outcome> {
  const body = fieldsOf(parseJson(call.body))
  const fault = faultOf(body)
  if (fault) return { ...json(422, { error: fault, details: [] }), verdict: `twin refused: ${fault}` }
  const rule = deps.pick(firstPhone(body))
  const early = before(deps, rule, token)
  if (early) return early
  const items: unknown[] = []
  for (const message of listOf(body.messages).map(fieldsOf))
    for (const destination of listOf(message.destinations).map(fieldsOf))
      items.push(await takeOne(deps, company, body, message, destination, rule))
  return after(rule, items)
}

const firstPhone = (body: Fields): string =>
  digitsOf(textOf(fieldsOf(listOf(fieldsOf(listOf(body.messages)[0]).destinations)[0]).phone))

/** What is met instead of being taken. */
function before({ state }: CreateDeps, rule: ParsedTwinRule | undefined, token: string): Outcome | undefined {
  switch (rule?.answer) {
    case 'expired':
      state.endToken(token)
      return { ...json(401, { error: 'Token is expired.' }), verdict: 'twin token expired' }
    case 'error':
      return { ...json(500, { error: 'Internal error' }), verdict: 'twin error' }
    case 'reset':
    case 'hang':
      return { instead: rule.answer, verdict: `twin ${rule.answer}` }
    default:
      return undefined
  }
}

function after(rule: ParsedTwinRule | undefined, items: readonly unknown[]): Outcome {
  switch (rule?.answer) {
    case 'taken_error':
      return { ...json(502, { error: 'Bad gateway' }), verdict: 'twin taken, then an error' }
    case 'taken_reset':
      return { instead: 'reset', verdict: 'twin taken, then reset' }
    case 'taken_hang':
      return { instead: 'hang', verdict: 'twin taken, then silence' }
    default:
      return json(200, items)
  }
}

async function takeOne(
  deps: CreateDeps,
  company: Company,
  body: Fields,
  message: Fields,
  destination: Fields,
  rule: ParsedTwinRule | undefined,
): Promise<object> {
  const chat = fieldsOf(fieldsOf(message.channels).chat)
  const fault = rule?.answer === 'item_error' ? 'Message rejected' : faultOfItem(company, chat)
  if (fault) return rejectedItem(fault)
  const isKept = company.keepsBulkId && isFilled(body.bulkId)
  const taken: TwinMessage = {
    id: randomUUID(),
    company,
    bulkId: isKept ? textOf(body.bulkId) : randomUUID(),
    groupId: textOf(message.groupId) || randomUUID(),
    flowId: randomUUID(),
    phone: textOf(destination.phone),
    chatId: textOf(chat.chatId),
    botId: textOf(chat.botId),
    chatSessionName: textOf(chat.chatSessionName),
    variables: fieldsOf(destination.variables),
    callbackUrl: isFilled(message.callbackUrl) ? message.callbackUrl : undefined,
    callbackData: isFilled(message.callbackData) ? message.callbackData : undefined,
    sessionId: randomUUID(),
    createdAt: new Date().toISOString(),
    status: 'CREATED',
    description: null,
    deliveredAt: null,
    results: {},
  }
  deps.state.add(taken)
  await begin(deps, taken, rule)
  const { id, bulkId, groupId, flowId } = taken
  return { id, bulkId, groupId, flowId, status: 'CREATED', channel: 'CHAT', error: null }
}

const rejectedItem = (message: string) => ({
  id: null,
  bulkId: null,
  groupId: null,
  flowId: null,
  status: null,
  channel: null,
  error: { message, file: '/srv/notify/src/Message.php', line: 212, trace: [] },
})

/** CREATED -> PENDING -> its end. */
async function begin(
  { callbacks, timers, stepMs }: CreateDeps,
  message: TwinMessage,
  rule: ParsedTwinRule | undefined,
) {
  const end = rule?.ends ?? 'DELIVERED'
  const reach = (status: string): void => {
    message.status = status
    if (status === end) message.description = rule?.description ?? null
    if (status === 'DELIVERED') message.deliveredAt = new Date().toISOString()
  }
  const steps = ['CREATED', 'PENDING', end]
  const told = steps.slice(1).map((status, index) => [steps[index] ?? '', status] as const)
  const lies = rule?.callbacks
  const tell = (index: number) => callbacks.tell(message, told[index]?.[0] ?? '', told[index]?.[1] ?? '', lies)
  const order = lies?.reversed ? [1, 0] : [0, 1]
  if (lies?.beforeAnswer) {
    reach(end)
    for (const index of order) await tell(index)
    return
  }
  order.forEach((index, turn) => {
    timers.after(stepMs * (turn + 1), () => {
      reach(steps[turn + 1] ?? end)
      void tell(index)
    })
  })
}
