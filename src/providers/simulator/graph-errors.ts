/** Meta's error vocabulary as data, and the two shapes in which it reaches a client: HTTP body and webhook. */

import { randomBytes } from 'node:crypto'

/** Why a Graph API call is refused. `http`, `message` and `type` replace what the table says for the code. */
export interface GraphProblem {
  readonly code: number
  readonly subcode?: number | undefined
  readonly details?: string | undefined
  readonly http?: number | undefined
  readonly message?: string
  readonly type?: string
  readonly userTitle?: string
}

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes */
const codes: Readonly<Record<number, { readonly http: number; readonly title: string }>> = {
  0: { http: 401, title: 'AuthException' },
  1: { http: 400, title: 'API Unknown' },
  2: { http: 503, title: 'API Service' },
  3: { http: 500, title: 'API Method' },
  4: { http: 400, title: 'API Too Many Calls' },
  10: { http: 403, title: 'Permission Denied' },
  33: { http: 400, title: 'Parameter value is not valid' },
  100: { http: 400, title: 'Invalid parameter' },
  104: { http: 400, title: 'An access token is required to request this resource.' },
  190: { http: 401, title: 'Access token has expired' },
  200: { http: 403, title: 'API Permission' },
  368: { http: 403, title: 'Temporarily blocked for policies violations' },
  80007: { http: 400, title: 'Rate limit issues' },
  130429: { http: 400, title: 'Rate limit hit' },
  130472: { http: 400, title: "User's number is part of an experiment" },
  130497: { http: 403, title: 'Business account is restricted from messaging users in this country.' },
  131000: { http: 500, title: 'Something went wrong' },
  131005: { http: 403, title: 'Access denied' },
  131008: { http: 400, title: 'Required parameter is missing' },
  131009: { http: 400, title: 'Parameter value is not valid' },
  131016: { http: 500, title: 'Service unavailable' },
  131021: { http: 400, title: 'Recipient cannot be sender' },
  131026: { http: 400, title: 'Message undeliverable' },
  131030: { http: 400, title: 'Recipient phone number not in allowed list' },
  131031: { http: 403, title: 'Account has been locked' },
  131037: { http: 400, title: 'Display name approval is required' },
  131042: { http: 400, title: 'Business eligibility payment issue' },
  131045: { http: 500, title: 'Incorrect certificate' },
  131047: { http: 400, title: 'Re-engagement message' },
  131048: { http: 400, title: 'Spam rate limit hit' },
  131049: { http: 400, title: 'Meta chose not to deliver this message' },
  131050: { http: 400, title: 'User has stopped marketing messages' },
  131051: { http: 400, title: 'Unsupported message type' },
  131053: { http: 400, title: 'Media upload error' },
  131056: { http: 400, title: '(Business Account, Consumer Account) pair rate limit hit' },
  131057: { http: 500, title: 'Account in maintenance mode' },
  132000: { http: 400, title: 'Number of parameters does not match the expected number of params' },
  132001: { http: 404, title: 'Template name does not exist in the translation' },
  132005: { http: 400, title: 'Translated text too long' },
  132007: { http: 400, title: 'Template format character policy violated' },
  132012: { http: 400, title: 'Parameter format does not match format in the created template' },
  132015: { http: 400, title: 'Template is paused' },
  132016: { http: 400, title: 'Template is disabled' },
  132018: { http: 400, title: 'There was an issue with the parameters in your template' },
  133004: { http: 503, title: 'Server temporarily unavailable' },
  133010: { http: 400, title: 'Phone number not registered' },
  135000: { http: 400, title: 'Generic user error' },
}

const asyncDetails: Readonly<Record<number, string>> = {
  131026: 'Message undeliverable.',
  131047:
    'Message failed to send because more than 24 hours have passed since the customer last replied to this number.',
  131049: 'This message was not delivered to maintain healthy ecosystem engagement.',
}

const errorCodesPage =
  'https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes' as const

const titleOf = (code: number): string => codes[code]?.title ?? 'Something went wrong'

export const problem = (code: number, details: string): GraphProblem => ({ code, details })

/** Meta's answer to an object that does not exist or that the token may not see. */
export const unknownObject = (method: string, id: string): GraphProblem => ({
  code: 100,
  subcode: 33,
  type: 'GraphMethodException',
  message:
    `Unsupported ${method.toLowerCase()} request. Object with ID '${id}' does not exist, cannot be loaded due to ` +
    'missing permissions, or does not support this operation',
})

export const httpStatusOf = (found: GraphProblem): number => found.http ?? codes[found.code]?.http ?? 400

/** The JSON body of a refused call. */
export const graphErrorBody = (found: GraphProblem): object => ({
  error: {
    message: found.message ?? `(#${found.code}) ${titleOf(found.code)}`,
    type: found.type ?? 'OAuthException',
    code: found.code,
    ...(found.subcode === undefined ? {} : { error_subcode: found.subcode }),
    ...(found.userTitle === undefined ? {} : { error_user_title: found.userTitle, error_user_msg: found.details }),
    ...(found.details === undefined ? {} : { error_data: { messaging_product: 'whatsapp', details: found.details } }),
    fbtrace_id: `A${randomBytes(16).toString('base64url')}`,
  },
})

/** The element of `statuses[].errors` that says why a message failed after it was accepted. */
export const webhookError = (code: number): object => ({
  code,
  title: titleOf(code),
  message: titleOf(code),
  error_data: { details: asyncDetails[code] ?? titleOf(code) },
  href: errorCodesPage,
})
