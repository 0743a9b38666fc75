/** Is a request to create messages one that TWIN could take? Strict, so that a slip of the gateway's shows. */

import { type Fields, fieldsOf, isFilled, isObject, listOf, strangeKey } from '../shapes.ts'
import type { Company } from './inputs.ts'

const envelopeKeys = new Set(['messages', 'companyId', 'taskId', 'bulkId'])
const messageKeys = new Set([
  ...['channels', 'destinations', 'callbackUrl', 'callbackData', 'groupId', 'templateId', 'useShortLinks'],
  ...['allowedTimeRanges', 'sendAt', 'validate'],
])
const chatKeys = new Set([
  ...['chatId', 'botId', 'messengerType', 'chatSessionName', 'text', 'provider', 'validityPeriod', 'required'],
  'continueLastOrStartNewSession',
])
const destinationKeys = new Set([
  'phone',
  'email',
  'clientId',
  'externalId',
  'messengerUserId',
  'variables',
  'platform',
])
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i
const digits = /^\d{7,15}$/

/** What is wrong with the request as a whole; undefined when it can be taken. */
export function faultOf(body: Fields): string | undefined {
  const strange = strangeKey(body, envelopeKeys)
  if (strange) return `unknown field ${strange}`
  if (body.bulkId !== undefined && !(isFilled(body.bulkId) && uuid.test(body.bulkId))) return 'bulkId must be a UUID'
  const messages = listOf(body.messages)
  if (messages.length === 0) return 'messages must not be empty'
  for (const message of messages) {
    const fault = faultOfMessage(fieldsOf(message))
    if (fault) return fault
  }
  return undefined
}

function faultOfMessage(message: Fields): string | undefined {
  const strange = strangeKey(message, messageKeys)
  if (strange) return `unknown field of a message: ${strange}`
  const { callbackUrl, callbackData, groupId } = message
  if (groupId !== undefined && !(isFilled(groupId) && uuid.test(groupId))) return 'groupId must be a UUID'
  if (callbackUrl !== undefined && !(isFilled(callbackUrl) && /^https?:\/\/.{1,3990}$/.test(callbackUrl)))
    return 'callbackUrl must be a URL'
  if (callbackData !== undefined && !(isFilled(callbackData) && Buffer.byteLength(callbackData) <= 10_240))
    return 'callbackData must be a text of at most 10240 bytes'
  return faultOfChat(fieldsOf(fieldsOf(message.channels).chat)) ?? faultOfDestinations(listOf(message.destinations))
}

function faultOfChat(chat: Fields): string | undefined {
  const strange = strangeKey(chat, chatKeys)
  if (strange) return `unknown field of the channel chat: ${strange}`
  if (!isFilled(chat.chatId) || !isFilled(chat.botId)) return 'channels.chat needs chatId and botId'
  return chat.messengerType === 'WHATSAPP' ? undefined : 'messengerType is not known'
}

function faultOfDestinations(destinations: readonly unknown[]): string | undefined {
  if (destinations.length === 0) return 'destinations must not be empty'
  for (const destination of destinations.map(fieldsOf)) {
    const strange = strangeKey(destination, destinationKeys)
    if (strange) return `unknown field of a destination: ${strange}`
    const { phone, messengerUserId = phone, variables = {} } = destination
    for (const number of [phone, messengerUserId])
      if (!isFilled(number) || !digits.test(number)) return 'a phone is digits with the country code, without +'
    if (!isObject(variables)) return 'variables must be an object'
    for (const [name, value] of Object.entries(variables))
      if (!['string', 'number', 'boolean'].includes(typeof value)) return `the variable ${name} must be a single value`
  }
  return undefined
}

/** What is wrong with chat and bot: known only item by item, after the request was taken. */
export function faultOfItem(company: Company, { chatId, botId }: Fields): string | undefined {
  const bots = isFilled(chatId) ? company.chats[chatId] : undefined
  if (!bots) return 'Chat not found'
  return isFilled(botId) && bots.includes(botId) ? undefined : 'Bot not found'
}
