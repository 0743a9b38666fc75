import type {
  HttpClient,
  HttpResult,
  OutgoingMessage,
  ProviderAdapter,
  ProviderConnection,
  SendOutcome,
} from '../../src/core/contract/provider.ts'
import { type Answer, failed, isSuccess } from '../../src/providers/shared/answer.ts'
import { defined, parseJson, textOf } from '../../src/providers/shared/read.ts'
import { apiCall, type CopyMeSettings, copyMeSettings, failureOfAnswer, withoutSecrets } from './api.ts'
import { businessPhoneOf, checkConnection } from './check.ts'
import { messageBody } from './payload.ts'
import { parseWebhook, verifyWebhook } from './webhook.ts'

interface CopyMeDeps {
  readonly http: HttpClient
  readonly settings: Readonly<Record<string, string>>
}

/** The adapter of Copy Me. One call for each message: it does not retry, log, count, sleep or touch the database. */
export function createCopyMeAdapter({ http, settings: given }: CopyMeDeps): ProviderAdapter {
  const settings = copyMeSettings(given)
  return {
    send: (message, connection) => send(http, settings, message, connection),
    check: (connection) => checkConnection(http, settings, connection),
    businessPhone: (connection) => businessPhoneOf(http, settings, connection),
    verify: verifyWebhook,
    parse: (body) => parseWebhook(body, new Date()),
    // Fill in: `lookUp` and `poll` where the vendor can be asked (`looksUp`); src/providers/twin24 has both.
  }
}

async function send(
  http: HttpClient,
  settings: CopyMeSettings,
  message: OutgoingMessage,
  connection: ProviderConnection,
): Promise<SendOutcome> {
  // Refused before the call: provably not sent.
  if (!message.phone) return failed({ code: 'request_invalid', detail: 'the message has no phone' })
  const body = messageBody(message, message.phone, connection)
  const result = await http(apiCall(settings, connection, { method: 'POST', path: '/v1/messages', body }))
  return outcomeOf(result, connection)
}

/** The three outcomes: what was not written is refused, what may have been read is in doubt, an answer speaks. */
function outcomeOf(result: HttpResult, connection: ProviderConnection): SendOutcome {
  switch (result.kind) {
    case 'unsent':
      return failed({ code: 'connection_unreachable', detail: withoutSecrets(result.reason, connection) })
    case 'lost':
      return failed({ code: 'no_answer', detail: withoutSecrets(result.reason, connection) })
    case 'answer':
      return isSuccess(result) ? taken(result) : failed(failureOfAnswer(result, connection))
  }
}

/** Success counts only with the vendor's id: without it no report can ever be matched. */
function taken({ status, body }: Answer): SendOutcome {
  // Fill in: where the id stands, e.g. {"id":"…","status":"queued"}, and whether 2xx can carry an error of the message.
  const answer = parseJson(body)
  const messageId = textOf(answer, 'id')
  if (!messageId) return failed({ code: 'answer_unreadable', detail: `HTTP ${status} without a message id` })
  return { outcome: 'accepted', messageId, ...defined({ recipientId: textOf(answer, 'to') }) }
}
